"""Grok patterns → regular expressions: `%{NAME}`, `%{NAME:field}`, `%{NAME:[nested][field]:int}`.

The named patterns are those of Logstash's patterns-core in their ECS v1 form, from the package py3grok. It is read as
data: its own matcher is not used. The few names whose legacy form differs (ecs_compatibility => disabled) stand below.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import regex

# A name, a field with what it is cast to, a definition; anything else up to the brace is passed over. As jls-grok's
# PATTERN_RE has it, whose [A-z] takes in more than letters.
_REFERENCE = re.compile(
    r"%\{([A-z0-9]+)(?::([@\[\]A-z0-9_:.-]+))?(?:=((?:[^{}\\]|\\.|\{(?:[^{}\\]|\\.|\{[^{}]*\})*\})+))?[^}]*\}"
)

# What names mean without ECS, as Logstash documents them.
_LEGACY = {
    "HTTPD_COMMONLOG": r"%{IPORHOST:clientip} %{HTTPDUSER:ident} %{HTTPDUSER:auth} \[%{HTTPDATE:timestamp}\] "
    r'"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})" '
    r"(?:-|%{NUMBER:response}) (?:-|%{NUMBER:bytes})",
    "HTTPD_COMBINEDLOG": r"%{HTTPD_COMMONLOG} %{QS:referrer} %{QS:agent}",
    "SYSLOGPROG": r"%{PROG:program}(?:\[%{POSINT:pid}\])?",
    "SYSLOGFACILITY": r"<%{NONNEGINT:facility}.%{NONNEGINT:priority}>",
    "SYSLOGBASE": r"%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource} %{SYSLOGPROG}:",
}


class UndefinedPattern(ValueError):
    pass


@cache
def library(legacy: bool) -> dict[str, str]:
    """Name → pattern. Not to be changed by the caller."""
    spec = find_spec("py3grok")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package py3grok, which holds the grok patterns, is not installed")
    patterns: dict[str, str] = {}
    for file in sorted((Path(spec.submodule_search_locations[0]) / "patterns").iterdir()):
        patterns.update(read_patterns(file.read_text(encoding="utf-8")))
    return patterns | _LEGACY if legacy else patterns


def read_patterns(text: str) -> dict[str, str]:
    """A patterns file: a name, spaces, its pattern, on each line; # comments."""
    patterns = {}
    for line in text.splitlines():
        name, _, pattern = line.strip().partition(" ")
        if pattern and not name.startswith("#"):
            patterns[name] = pattern.lstrip()
    return patterns


def to_int(text: str) -> int:
    """Ruby's String#to_i: the leading digits, else 0."""
    match = _LEADING_INT.match(text)
    return int(match[0].replace("_", "")) if match else 0


def to_float(text: str) -> float:
    """Ruby's String#to_f: the leading number, else 0.0."""
    match = _LEADING_FLOAT.match(text)
    return float(match[0].replace("_", "")) if match else 0.0


_LEADING_INT = re.compile(r"\s*[+-]?\d+(?:_\d+)*", re.ASCII)
_LEADING_FLOAT = re.compile(r"\s*[+-]?(?:\d+(?:_\d+)*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_CASTS: dict[str, Callable[[str], Any]] = {"int": to_int, "float": to_float}


class Grok:
    """One compiled grok pattern.

    `pattern` is a compiled regular expression; `captures` lists (group, field reference, cast or None) in the pattern's
    order; `bound` is what keeps a search within `seconds` (regex.bound), None where none can take long, or without
    `seconds`.
    """

    __slots__ = ("bound", "captures", "pattern")

    def __init__(self, pattern: str, patterns: dict[str, str], named_captures_only: bool, seconds: float = 0) -> None:
        """Raises UndefinedPattern, or ValueError for a malformed regular expression."""
        casts: dict[str, str] = {}
        source = _expand(pattern, patterns, named_captures_only, casts, ())
        compiled = regex.compile(source, dot_all=True)
        self.pattern = compiled.pattern
        self.bound = regex.bound(compiled.pattern, seconds) if seconds else None
        self.captures = [
            (group, name.split("\0")[0], _CASTS.get(casts.get(name, ""))) for name, group in compiled.names
        ]


def _expand(
    pattern: str, patterns: dict[str, str], named_only: bool, casts: dict[str, str], path: tuple[str, ...]
) -> str:
    def replace(match: re.Match[str]) -> str:
        name, fields, definition = match.groups()
        field, cast, *_ = [*(fields or "").split(":"), "", ""]
        if definition is not None:
            patterns[name] = definition
        if name not in patterns:
            raise UndefinedPattern(f"pattern %{{{match[0][2:-1]}}} not defined")
        if name in path:
            raise ValueError(f"the pattern {name} contains itself")
        inner = _expand(patterns[name], patterns, named_only, casts, (*path, name))
        if not field and (fields or not named_only):
            field = name
        if not field:
            return f"(?:{inner})"
        # One field may be captured twice with different casts: the number keeps them apart.
        group = f"{field}\0{len(casts)}"
        casts[group] = cast
        return f"(?<{group}>{inner})"

    return _REFERENCE.sub(replace, pattern)
