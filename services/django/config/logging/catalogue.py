"""The catalogue: which stream (category) a logger belongs to.

It is one YAML mapping of a logger's first dotted component to a stream, read by this package and by Logstash.
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

UNKNOWN = "unknown"


class Catalogue:
    """Maps logger names to streams, e.g. ``apps.parcels.views`` → ``app``."""

    def __init__(self, streams: Mapping[str, str]) -> None:
        self._streams = dict(streams)

    @classmethod
    def load(cls, path: str | Path) -> "Catalogue":
        """Read the YAML mapping at `path`.

        Raises ValueError, naming the file and the remedy, when it can't be read or isn't a mapping of strings.
        """
        try:
            streams = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise ValueError(
                f"{path}: cannot read the log catalogue ({error}); set LOG_CATALOGUE to its path"
            ) from error
        if not isinstance(streams, dict) or not all(isinstance(part, str) for item in streams.items() for part in item):
            raise ValueError(f"{path}: the log catalogue must map a logger's first component to a stream, as strings")
        return cls(streams)

    def components(self) -> Mapping[str, str]:
        """Each first component of a logger's name that has a stream, with its stream."""
        return dict(self._streams)

    def stream(self, logger_name: str) -> str:
        return self._streams.get(logger_name.partition(".")[0], UNKNOWN)
