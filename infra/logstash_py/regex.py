"""Ruby's regular expressions (Onigmo) → Python's `re`.

Pipelines are written for Ruby: `^` and `$` match at lines, `(?m)` lets the dot cross them, `\\z` ends the text, `\\h`
is a hexadecimal digit, `\\w`, `\\d` and `\\s` are ASCII while `\\b` is not, named groups turn plain ones off, and
options may start anywhere. What `re` has no words for (properties such as `\\p{L}`, set intersections, recursion) is
left to the slower `regex` package.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import regex as regex_package

from . import analysis

_ASCII_CLASSES = "wdsWDS"
_POSIX = {
    "alnum": "^\\W_", "alpha": "^\\W\\d_", "word": "\\w", "digit": "0-9", "xdigit": "0-9a-fA-F", "space": "\\s",
    "blank": " \\t", "upper": "A-Z", "lower": "a-z", "cntrl": "\\x00-\\x1f\\x7f",
    "punct": "!-/:-@\\[-`{-~", "graph": "!-~", "print": " -~", "ascii": "\\x00-\\x7f",
}  # fmt: skip
_GROUP_OPTIONS = re.compile(r"\?([mix]*)(?:-([mix]*))?([:)])")
_QUANTIFIER = re.compile(r"[*+?]|\{(?:\d+(?:,\d*)?|,\d+)\}")
_NAMED = re.compile(r"(?<!\\)\(\?<([^=!>][^>]*)>")
_NAME = re.compile(r"\?<([^=!>][^>]*)>|\?'([^']+)'")


class _Unsupported(Exception):
    """A construct that `re` doesn't have."""


class Regex:
    """A compiled Ruby pattern. `pattern` is a compiled pattern of `re` or `regex`; `names` are the named groups in
    order, each with the index of its group."""

    __slots__ = ("names", "pattern", "source")

    def __init__(self, source: str, pattern: Any, names: list[tuple[str, int]]) -> None:
        self.source = source
        self.pattern = pattern
        self.names = names


@lru_cache(maxsize=2048)
def compile(source: str, dot_all: bool = False) -> Regex:
    """Compiles a Ruby pattern; `dot_all` is Ruby's MULTILINE option. Raises ValueError with Ruby's words where they are
    known."""
    translator = _Translator(source)
    try:
        translated = translator.translate()
        flags = re.MULTILINE | (re.DOTALL if dot_all else 0)
        return Regex(source, re.compile(translated, flags), translator.names)
    except _Unsupported:
        return _compile_with_regex_package(source, dot_all)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{_ruby_words(error)}: /{source}/{'m' if dot_all else ''}") from None


def searcher(pattern: Any) -> Callable[[str], Any]:
    """The method that finds a compiled pattern anywhere in a text. `re` looks for `\\A…` at each place of the text, its
    `match` at the first only."""
    return pattern.match if analysis.anchored(pattern) else pattern.search


# What `re` does at least, on any machine in use.
_STEPS_PER_SECOND = 30_000_000

BoundedSearch = Callable[[str, float], Any]


def bound(pattern: Any, seconds: float) -> tuple[int, BoundedSearch] | None:
    """(length, search): longer texts are for search(text, seconds), which raises TimeoutError when it takes longer.
    None for a pattern that no text can make slow.

    `re` has no time limit, the package `regex` has one and takes twice the time. So `re` goes on with the texts that
    can't take it `seconds`, by the analysis of the pattern, and `regex` gets the others. (A signal could stop `re`, but
    only in a process's main thread, and its timer would be the whole process's.)
    """
    if not isinstance(pattern, re.Pattern):
        return -1, _timed(pattern.search)
    try:
        exponent = analysis.exponent(pattern)
    except analysis.Exponential:
        limit = 0
    else:
        if exponent == 1:
            return None
        limit = analysis.safe_length(exponent, int(seconds * _STEPS_PER_SECOND))

    @cache
    def compiled() -> BoundedSearch:
        same = regex_package.compile(pattern.pattern, regex_package.V0 | pattern.flags & ~re.UNICODE)
        return _timed(same.match if analysis.anchored(pattern) else same.search)

    def slow(text: str, seconds: float) -> Any:
        return compiled()(text, seconds)

    return limit, slow


def _timed(search: Callable[..., Any]) -> BoundedSearch:
    def timed(text: str, seconds: float) -> Any:
        if seconds <= 0:
            raise TimeoutError
        return search(text, timeout=seconds)

    return timed


def _ruby_words(error: Exception) -> str:
    text = str(error)
    if "unterminated subpattern" in text:
        return "end pattern with unmatched parenthesis"
    if "nothing to repeat" in text:
        return "target of repeat operator is not specified"
    if "unbalanced parenthesis" in text:
        return "unmatched close parenthesis"
    if "unterminated character set" in text:
        return "premature end of char-class"
    return text


def _compile_with_regex_package(source: str, dot_all: bool) -> Regex:
    names: list[tuple[str, int]] = []
    # `regex` wants Python names; a repeated name stays two groups.
    numbered = {}

    def rename(match: re.Match[str]) -> str:
        names.append((match[1], len(names) + 1))
        numbered[match[1]] = f"g{len(names)}"
        return f"(?P<g{len(names)}>"

    text = _NAMED.sub(rename, source)
    text = re.sub(r"\\([kg])<([^>]+)>", lambda m: _reference(m, numbered), text)
    text = text.replace(r"\z", r"\Z").replace(r"\h", "[0-9a-fA-F]").replace("(?m:", "(?s:").replace("(?m)", "(?s)")
    flags = regex_package.V1 | regex_package.MULTILINE | (regex_package.DOTALL if dot_all else 0)
    try:
        pattern = regex_package.compile(text, flags)
    except regex_package.error as error:
        raise ValueError(f"{error}: /{source}/") from None
    names = [(name, pattern.groupindex[f"g{index}"]) for name, index in names]
    return Regex(source, pattern, names)


def _reference(match: re.Match[str], numbered: dict[str, str]) -> str:
    name = numbered.get(match[2], match[2])
    return f"(?P={name})" if match[1] == "k" else f"(?&{name})"


class _Translator:
    """A recursive descent over the pattern that writes it anew."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.names: list[tuple[str, int]] = []
        self.groups = 0
        # With a named group, Ruby's plain ones capture nothing.
        self.named = _NAMED.search(source) is not None

    def translate(self) -> str:
        text = self._alternatives()
        if self.position < len(self.source):
            raise re.error("unbalanced parenthesis", self.source, self.position)
        return text

    def _alternatives(self) -> str:
        """Up to the end or to the `)` of the group that we are in."""
        source = self.source
        out: list[str] = []
        while self.position < len(source) and source[self.position] != ")":
            if source[self.position] == "|":
                out.append("|")
                self.position += 1
                continue
            atom = self._atom()
            if atom is None:  # (?i) and the like: for the rest of this group, alternatives included
                options = self._options
                # With (?x), a comment at the end would take in our bracket.
                end = "\n)" if "x" in options.partition("-")[0] else ")"
                out.append(f"(?{options}:{self._alternatives()}{end}")
                break
            out.append(self._quantified(atom))
        return "".join(out)

    def _quantified(self, atom: str) -> str:
        """Adds the quantifiers that follow."""
        first = True
        while match := _QUANTIFIER.match(self.source, self.position):
            if atom == "":
                break
            quantifier = match[0]
            self.position = match.end()
            if not first:
                atom = f"(?:{atom})"
            first = False
            group = atom.startswith("(")
            atom += quantifier
            follower = self.source[self.position : self.position + 1]
            # In Ruby x{1,2}+ is a repeated repetition, not a possessive one.
            possessive = follower == "+" and not quantifier.startswith("{")
            if possessive or follower == "?":
                self.position += 1
                # (?:…)*+ as (?>(?:…)*): before 3.11.5, Python's own may match wrongly (its issue 106052).
                atom = f"(?>{atom})" if possessive and group else atom + follower
        return atom

    def _atom(self) -> str | None:
        source = self.source
        char = source[self.position]
        if char == "\\":
            return self._escape()
        if char == "[":
            return self._class()
        if char == "(":
            return self._group()
        if char in "*+?":
            raise re.error("nothing to repeat", source, self.position)
        self.position += 1
        if char == "{" and not _QUANTIFIER.match(source, self.position - 1):
            return r"\{"
        return char

    def _group(self) -> str | None:
        source, start = self.source, self.position
        self.position += 1
        if not source.startswith("?", self.position):
            if self.named:
                return self._rest_of_group("(?:")
            self.groups += 1
            return self._rest_of_group("(")
        if source.startswith("?#", self.position):
            end = source.find(")", self.position)
            if end < 0:
                raise re.error("unterminated subpattern", source, start)
            self.position = end + 1
            return ""
        for opening in ("?:", "?=", "?!", "?>"):
            if source.startswith(opening, self.position):
                self.position += len(opening)
                return self._rest_of_group("(" + opening)
        for opening in ("?<=", "?<!"):
            if source.startswith(opening, self.position):
                self.position += len(opening)
                return self._lookbehind("(" + opening)
        if match := _NAME.match(source, self.position):
            self.position = match.end()
            self.groups += 1
            self.names.append((match[1] or match[2], self.groups))
            return self._rest_of_group(f"(?P<g{self.groups}>")
        if match := _GROUP_OPTIONS.match(source, self.position):
            self.position = match.end()
            on, off = match[1].replace("m", "s"), (match[2] or "").replace("m", "s")
            options = on + (f"-{off}" if off else "")
            if match[3] == ":":
                return self._rest_of_group(f"(?{options}:")
            self._options = options
            return None
        raise _Unsupported

    def _rest_of_group(self, opening: str) -> str:
        start = self.position
        inner = self._alternatives()
        if not self.source.startswith(")", self.position):
            raise re.error("missing ), unterminated subpattern", self.source, start)
        self.position += 1
        return f"{opening}{inner})"

    def _lookbehind(self, opening: str) -> str:
        """`re` wants one width, Ruby one for each alternative."""
        text = self._rest_of_group(opening)
        inner = text[len(opening) : -1]
        alternatives = _split_alternatives(inner)
        if len(alternatives) == 1:
            return text
        if opening == "(?<=":
            return "(?:" + "|".join(f"(?<={alternative})" for alternative in alternatives) + ")"
        return "".join(f"(?<!{alternative})" for alternative in alternatives)

    def _escape(self) -> str:
        source = self.source
        char = source[self.position + 1 : self.position + 2]
        if not char:
            raise re.error("too short escape sequence", source, self.position)
        self.position += 2
        if char in _ASCII_CLASSES:
            return f"(?a:\\{char})"
        if char in "AbBnrtfvax" or char in "123456789":
            if char == "x":
                return self._hex()
            if char in "123456789" and self.named:
                raise ValueError(f"numbered backref/call is not allowed. (use name): /{source}/")
            return "\\" + char
        match char:
            case "z":
                return r"\Z"
            case "Z":
                return r"(?=\n?\Z)"
            case "h":
                return "[0-9a-fA-F]"
            case "H":
                return "[^0-9a-fA-F]"
            case "e":
                return r"\x1b"
            case "R":
                return r"(?>\r\n|[\n-\r\x85\u2028\u2029])"
            case "0":
                return r"\x00"
            case "u" if re.match(r"[0-9a-fA-F]{4}", source[self.position :]):
                self.position += 4
                return "\\u" + source[self.position - 4 : self.position]
            case "k":
                return self._back_reference()
            case "p" | "P" | "g" | "X" | "K" | "G" | "u":
                raise _Unsupported
        # Any other letter stands for itself.
        return re.escape(char)

    def _hex(self) -> str:
        if match := re.compile(r"\{([0-9a-fA-F]+)\}").match(self.source, self.position):
            self.position = match.end()
            return re.escape(chr(int(match[1], 16)))
        match = re.compile(r"[0-9a-fA-F]{1,2}").match(self.source, self.position)
        if not match:
            return "x"
        self.position = match.end()
        return f"\\x{match[0].zfill(2)}"

    def _back_reference(self) -> str:
        match = re.compile(r"<([^>]+)>|'([^']+)'").match(self.source, self.position)
        if not match:
            return "k"
        self.position = match.end()
        name = match[1] or match[2]
        groups = [group for known, group in self.names if known == name]
        if not groups:
            if name.isdigit():
                return f"(?:\\{name})"
            raise ValueError(f"undefined name <{name}> reference: /{self.source}/")
        return f"(?P=g{groups[-1]})"

    def _class(self) -> str:
        """A character class, with the nested and POSIX ones that `re` lacks made alternatives of their own."""
        source, start = self.source, self.position
        self.position += 1
        negated = source.startswith("^", self.position)
        self.position += negated
        items: list[str] = []
        others: list[str] = []
        ascii_only = False
        first = True
        while True:
            char = source[self.position : self.position + 1]
            if not char:
                raise re.error("unterminated character set", source, start)
            if char == "]" and not first:
                self.position += 1
                break
            first = False
            if source.startswith("&&", self.position):
                raise _Unsupported
            if char == "[":
                if match := re.compile(r"\[:(\^?)(\w+):\]").match(source, self.position):
                    if match[2] not in _POSIX:
                        raise _Unsupported
                    self.position = match.end()
                    members = _POSIX[match[2]]
                    if match[1]:
                        members = members[1:] if members.startswith("^") else "^" + members
                    others.append(f"[{members}]")
                else:
                    others.append(self._class())
                continue
            if char == "\\":
                escaped = source[self.position + 1 : self.position + 2]
                if escaped in _ASCII_CLASSES and escaped:
                    ascii_only = True
                    items.append("\\" + escaped)
                    self.position += 2
                    continue
                if escaped == "b":
                    items.append(r"\x08")
                    self.position += 2
                    continue
                text = self._escape()
                if text.startswith("[^"):
                    others.append(text)
                else:
                    items.append(text[1:-1] if text.startswith("[") else text)
                continue
            self.position += 1
            items.append("\\" + char if char in "[&~|" else char)
        if not others:
            text = f"[{'^' if negated else ''}{''.join(items)}]"
            return f"(?a:{text})" if ascii_only else text
        if items:
            own = f"[{''.join(items)}]"
            others.insert(0, f"(?a:{own})" if ascii_only else own)
        either = "|".join(others)
        return rf"(?:(?!{either})[\s\S])" if negated else f"(?:{either})"


def _split_alternatives(text: str) -> list[str]:
    parts, depth, in_class, start, position = [], 0, False, 0, 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "|" and depth == 0:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    return [*parts, text[start:]]


_REPLACEMENT = re.compile(r"\\(?:(\d)|k<([^>]+)>|([&`'\\]))")


def replacement(regex: Regex, text: str) -> Any:
    """Ruby's gsub replacement (`\\1`, `\\0`, `\\k<name>`, `\\&`) as what Python's `sub` takes: a callable, or a text
    with no escapes in it."""
    if "\\" not in text:
        return text
    pieces: list[str | int] = []
    position = 0
    for match in _REPLACEMENT.finditer(text):
        pieces.append(text[position : match.start()])
        position = match.end()
        if match[1]:
            pieces.append(int(match[1]))
        elif match[2]:
            pieces.append(next((group for name, group in regex.names if name == match[2]), -1))
        elif match[3] == "\\":
            pieces.append("\\")
        elif match[3] == "&":
            pieces.append(0)
        else:
            pieces.append(match[0])
    pieces.append(text[position:])

    def replace(found: Any) -> str:
        last = found.re.groups
        return "".join(
            piece if type(piece) is str else (found[piece] or "") if 0 <= piece <= last else "" for piece in pieces
        )

    return replace
