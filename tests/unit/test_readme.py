"""What the README's tables say, the catalogue's dictionaries say. A fork may have more in those."""

import re

import pytest
import yaml

from tests.paths import DICTIONARIES, ROOT

README = (ROOT / "README.md").read_text()


def table(heading: str) -> dict[str, set[str]]:
    """{first column: the names in the second}, for the rows that name loggers of a dictionary."""
    rows = README.partition(heading)[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {cell[0]: set(re.findall(r"`([\w.]+)`", cell[1])) for cell in cells}


@pytest.mark.parametrize(
    "heading, file",
    [
        ("| `stream` | loggers | file of the service django |", "streams.yml"),
        ("| `app_module` | loggers |", "app_modules.yml"),
    ],
)
def test_catalogue_table(heading, file):
    expected = {}
    for logger, value in yaml.safe_load((DICTIONARIES / file).read_text()).items():
        expected.setdefault(value, set()).add(logger)
    found = {name: loggers for name, loggers in table(heading).items() if name != "unknown"}
    for loggers in found.values():
        loggers.discard(".tasks")  # the one rule that is no dictionary entry
    assert found.keys() <= expected.keys()
    assert all(loggers <= expected[name] for name, loggers in found.items())
