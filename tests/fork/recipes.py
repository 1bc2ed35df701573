"""docs/fork.md as changes to a tree.

A block of ```diff is a change to the file that the text before it names ("in `path`"): lines with `-` go, lines with
`+` come, the others say where. After "New file `path`" a block is that file's content; "Empty file `path`" needs none.
"""

import re
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/fork.md"

_STEP = re.compile(
    r"Empty file `(?P<empty>[^`]+)`"
    r"|New file `(?P<new>[^`]+)`[^`]*\n```\w+\n(?P<content>.*?)^```$"
    r"|\b[Ii]n\s`(?P<changed>[^`]+)`.*?\n```diff\n(?P<difference>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


class RecipeError(Exception):
    """The document does not fit the tree; the message says where."""


class Followed(Exception):
    """The tree is a fork's, in which this was done; the message says where."""


def titles() -> list[str]:
    """The sections that change something."""
    return [title for title, text in _sections().items() if _STEP.search(text)]


def follow(title: str, tree: Path) -> list[Path]:
    """Do what a section says to a tree. Returns the files that it touched. Raises RecipeError and Followed."""
    touched = []
    for step in _STEP.finditer(_sections()[title]):
        path = tree / (step["empty"] or step["new"] or step["changed"])
        if step["changed"]:
            _change(path, step["difference"])
        else:
            if path.exists():
                raise Followed(f"{title}: {path} is there already")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step["content"] or "")
        touched.append(path)
    return touched


def _sections() -> dict[str, str]:
    """{heading: text} of the document."""
    parts = re.split(r"^## (.+)\n", DOCUMENT.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _change(path: Path, difference: str) -> None:
    lines = difference.splitlines()
    before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    text = path.read_text()
    if after in text:
        raise Followed(f"{path} has it already:\n{after}")
    if text.count(before) != 1:
        raise RecipeError(f"{path} has not once, but {text.count(before)} times:\n{before}")
    path.write_text(text.replace(before, after))
