"""Golden cases: a line and the document that it becomes, side by side in cases/*.yml.

A file holds `given` (what the shipper adds to each line), `always` (fields that each expected document has) and
`cases`; a case has `name`, `line`, `expected` and, where it differs from the file's, `given`. Expected fields are
written with dots and are all that the document has, but for IGNORED. `unrouted: true`: the documents go to no stream.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

CASES = Path(__file__).parent / "cases"

# What Filebeat adds of its own: the pipeline drops some of it and passes the rest on unchanged.
SHIPPED = {
    "agent": {"type": "filebeat", "version": "8.17.0"},
    "ecs": {"version": "8.0.0"},
    "input": {"type": "filestream"},
    "host": {"name": "pt-host"},
    "log": {
        "offset": 4096,
        "file": {"path": "/var/log/pt/x.log", "fingerprint": "c0ffee", "inode": "12", "device_id": "34"},
    },
}
IGNORED = ("host.name", "log.offset", "log.flags", "log.file.path", "log.file.fingerprint", "message", "environment")
IGNORED_UNROUTED = (*IGNORED, "agent", "ecs", "input", "log.file.inode", "log.file.device_id")


@dataclass(frozen=True)
class Case:
    name: str
    line: str
    given: dict
    expected: dict
    unrouted: bool

    @property
    def event(self) -> dict:
        """The event as the Beats input hands it to the filters."""
        return {**SHIPPED, **self.given, "message": self.line}

    def actual(self, document: dict) -> dict:
        """The document's fields as `expected` writes them: with dots, without what every document has."""
        ignored = IGNORED_UNROUTED if self.unrouted else IGNORED
        return {
            name: value
            for name, value in flatten(document).items()
            if not name.startswith("@metadata.") and not any(name == i or name.startswith(i + ".") for i in ignored)
        }


def flatten(document: dict, prefix: str = "") -> dict:
    """{"a": {"b": 1}} → {"a.b": 1}. Arrays are left as they are."""
    flat = {}
    for key, value in document.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def load_cases() -> list[Case]:
    cases = []
    for path in sorted(CASES.glob("*.yml")):
        content = yaml.safe_load(path.read_text())
        for case in content["cases"]:
            cases.append(
                Case(
                    name=f"{path.stem}: {case['name']}",
                    line=case["line"],
                    given={**content["given"], **case.get("given", {})},
                    expected={**content["always"], **case["expected"]},
                    unrouted=content.get("unrouted", False),
                )
            )
    return cases
