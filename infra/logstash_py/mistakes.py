"""What is wrong where a file doesn't parse, in the words of the language.

The parser says at which token it stopped and what it has on its stack by then: the blocks that are open, and what
stands in the innermost. That tells what was expected there, and often which mistake it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from lark import Token, Tree, UnexpectedCharacters, UnexpectedInput

from . import plugin

_OPENINGS = ("LBRACE", "LSQB", "LPAR")
_CLOSINGS = ("RBRACE", "RSQB", "RPAR")
_OPERATOR = re.compile(r"=>|[=!<>&|~]+")
_WORD = re.compile(r"[\w.:/@%+*$^-]+|\S")
_UNQUOTED = re.compile(r"(?:[%$]\{[^}\s]*\}|[^\s,\]}])+")
_NO_IF = "this else follows no if: it stands behind the } of an if's block"
_TYPOGRAPHIC = "\u201c\u201d\u2018\u2019\u00ab\u00bb"
_BARE = "a word without quotes begins with a letter and has two or more letters, digits and _"
_ARROW = "__ANON_0"


@dataclass
class Block:
    """Something opened. `kind`: file, section, plugin, hash, array, if, else, group; `name` of a section or plugin.
    `inside`: what the parser has of it so far."""

    kind: str
    name: str
    opening: Token | None
    inside: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where the parser stopped."""

    text: str
    offset: int
    found: str


class _Elsewhere(Exception):
    """The mistake was made before the place where the parser stopped."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def describe(error: UnexpectedInput, text: str) -> tuple[str, int]:
    """(what is wrong, the offset at which). The offset of a missing end is the text's."""
    stack = error.interactive_parser.parser_state.value_stack  # type: ignore[attr-defined]
    block = _innermost(stack)
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        return _at_the_end(block, stack, text), len(text.rstrip())
    offset = error.pos_in_stream if isinstance(error, UnexpectedCharacters) else token.start_pos
    place = Place(text, offset, _found(text, offset))
    try:
        return _what(block, place) + _open_string(stack), offset
    except _Elsewhere as elsewhere:
        return str(elsewhere), elsewhere.offset


def _found(text: str, offset: int) -> str:
    """The word, the operator or the character that can't stand there."""
    match = _OPERATOR.match(text, offset) or (text[offset] not in "%$" and _WORD.match(text, offset))
    return match[0] if match else text[offset]


def _innermost(stack: list[Any]) -> Block:
    """The block that is open. What is closed in it but not yet reduced stands there as a Tree `closed`."""
    blocks = [Block("file", "", None)]
    for index, item in enumerate(stack):
        if isinstance(item, Token) and item.type in _OPENINGS:
            blocks.append(Block(*_kind(item, stack[index - 1] if index else None), item))
        elif isinstance(item, Token) and item.type in _CLOSINGS and len(blocks) > 1:
            blocks.pop()
            blocks[-1].inside.append(Tree("closed", []))
        else:
            blocks[-1].inside += _unrolled(item)
    return blocks[-1]


def _unrolled(item: Any) -> list[Any]:
    """What a repetition of the grammar has so far stands on the stack as one Tree."""
    if isinstance(item, Tree) and item.data.startswith("__"):
        return [inner for child in item.children for inner in _unrolled(child)]
    return [item]


def _kind(opening: Token, before: Any) -> tuple[str, str]:
    if opening.type == "LSQB":
        return "array", ""
    if opening.type == "LPAR":
        return "group", ""
    if isinstance(before, Tree):
        if before.data == "plugin_type":
            return "section", str(before.children[0])
        if before.data == "name":
            return "plugin", str(before.children[0])
        return "if", ""
    if isinstance(before, Token) and before.type == _ARROW:
        return "hash", ""
    return "else", ""


def _what(block: Block, place: Place) -> str:
    if place.found in _TYPOGRAPHIC:
        return f"{place.found} is a typographic quote: texts stand in \" or '"
    if place.text.startswith(("//", "/*"), place.offset):
        return "a comment begins with #"
    match block.kind:
        case "file":
            return _in_file(block, place)
        case "section" | "if" | "else":
            return _in_statements(block, place)
        case "plugin":
            return _in_plugin(block, place)
        case "hash":
            return _in_hash(block, place)
        case "array":
            return _in_array(block, place)
    return _in_condition(block.inside, place, closing=")")


def _in_file(block: Block, place: Place) -> str:
    found = place.found
    last = block.inside[-1] if block.inside else None
    if _type(last) in ("plugin_type", "INPUT", "FILTER", "OUTPUT"):
        start = place.offset - len(_text(last))
        if place.text.startswith(_text(last), start):  # without a blank between: filters
            raise _Elsewhere(f"{_text(last)}{found} is no section: write {_text(last)}", start)
        return f"expected {{ after {_text(last)}, found {found}"
    if found == "}":
        return "this } closes nothing: each { before it has its } already" + _crooked(place.text)
    if found == "\ufeff":
        return "the file begins with a byte order mark, which Logstash doesn't read: save it as UTF-8 without one"
    kind = _kind_of_plugin(found) or ("filter" if found == "if" else None)
    if kind:
        return f"{found} stands outside of any section: put it into {kind} {{ … }}"
    return f"expected a section: input {{ … }}, filter {{ … }} or output {{ … }}, found {found}"


def _in_statements(block: Block, place: Place) -> str:
    found = place.found
    branch = _after_last(block.inside, "_IF", "_ELSE")
    complete = any(_type(item) == "closed" for item in branch)
    if branch and not complete and _type(branch[0]) == "_IF":
        return _in_condition(branch[1:], place, closing="{")
    if branch and not complete and len(branch) == 1:
        return f"expected {{ or if after else, found {found}"
    last = block.inside[-1] if block.inside else None
    name = _text(last) if _type(last) in ("name", "BAREWORD", "NAME", "NUMBER", "STRING") else ""
    if name in ("elsif", "elif", "elseif"):
        raise _Elsewhere(f"{name} is none of the language's words: write else if", _start(last))
    if name == "else" or found == "else":
        return _NO_IF
    if name and found == "=>":
        return f"{name} is an option and stands outside of a plugin's braces: is a }} before it one too many?"
    if name:
        return f"expected {{ after {name}, found {found}: each plugin has braces, be they empty"
    if found == ",":
        return "plugins are separated by blanks, not by commas"
    return f"expected a plugin, if or }}, found {found}"


def _in_plugin(block: Block, place: Place) -> str:
    name, found = block.name, place.found
    line = block.opening.line if block.opening else 0
    if name in ("else", "input", "filter", "output") and block.opening:
        start = place.text.rindex(name, 0, block.opening.start_pos)
        if name == "else":
            raise _Elsewhere(_NO_IF, start)
        message = f"the section {name} begins within another: a }} is missing before it"
        raise _Elsewhere(message + _crooked(place.text[:start]), start)
    option = _unfinished(block.inside)
    if option is None:
        if found == ",":
            return "options are separated by blanks, not by commas"
        if found == "=>":
            return 'the name of an option is missing before "=>"'
        return f"expected the name of an option of {name} or }}, found {found}"
    label, value = option
    if value is None:
        if label in ("if", "else"):
            line = block.opening.line if block.opening else 0
            return f"conditions stand around plugins, not in them: is the }} of {name} (line {line}) missing?"
        if found == "{" and _kind_of_plugin(label):
            message = f"{label} is a plugin, but {name} (line {line}) is still open here: is its }} missing?"
            raise _Elsewhere(message, _start(block.inside[-1]))
        before = block.inside[-2] if len(block.inside) > 1 else None
        if _type(before) == "attribute" and _type(before.children[-1]) == "bareword":
            written = f"{_text(before.children[-1])} {label}"
            return (
                f'expected "=>" after the option {label}, found {found}. A text of several words is quoted: "{written}"'
            )
        return f'expected "=>" after the option {label}, found {found}'
    if value and found == ",":
        return "options are separated by blanks, not by commas"
    if value and found == "=>":
        return f"a hash stands in braces: {label} => {{ {_text(value[-1])} => … }}"
    return _value(f"the option {label}", value, place) or f"expected the next option of {name} or }}, found {found}"


def _in_hash(block: Block, place: Place) -> str:
    found = place.found
    entry = _unfinished(block.inside)
    if found == ",":
        return "the entries of a hash are separated by blanks, not by commas"
    if entry is None:
        if found == "[":
            return 'a field that is the key of a hash is quoted: "[a][b]" => …'
        if found == "=>":
            return 'the key is missing before "=>"'
        return f"expected a key (a quoted text, a number or a word) or }}, found {found}"
    key, value = entry
    if value is None:
        return f'expected "=>" after the key {key}, found {found}'
    return _value(f"the key {key}", value, place) or f"expected the next key or }}, found {found}"


def _in_array(block: Block, place: Place) -> str:
    found = place.found
    last = block.inside[-1] if block.inside else None
    if found == "=>":
        return "a hash stands in braces, not in brackets: { key => value }"
    if _type(last) == "COMMA":
        if found == "]":
            return "no comma before the ] of an array"
        if found == ",":
            return "two commas with nothing between them"
    elif last is not None:
        wrong = _value("an element", [last], place)
        return wrong or f"expected , or ] after an element, found {found}: elements are separated by commas"
    return _value("an element", [], place) or f"expected an element or ], found {found}"


def _value(of: str, value: list[Any], place: Place) -> str:
    """What is wrong with a value that was begun, or couldn't be. Empty: the value is complete."""
    found = place.found
    if not value:
        if found in "\"'":
            return f"this text is not closed: there is no {found} behind it"
        if found in "},]":
            return f"{of} has no value"
        if found[0] in "/.%$*-\\~@" or found[0].isalnum():
            return _quote(place.text, place.offset)
        return f"expected a value for {of} (a quoted text, a number, a word, an array or a hash), found {found}"
    last = value[-1]
    if _type(last) == "NAME" or (
        _type(last) in ("BAREWORD", "NUMBER") and not place.text[place.offset - 1].isspace() and found != "{"
    ):
        raise _Elsewhere(_quote(place.text, _start(last)), _start(last))
    return ""


def _quote(text: str, offset: int) -> str:
    match = _UNQUOTED.match(text, offset)
    return f'this must be quoted, "{match[0] if match else text[offset]}": {_BARE}'


def _kind_of_plugin(name: str) -> str | None:
    return next((kind for kind in ("filter", "input", "output") if name in plugin.names(kind)), None)


# Conditions


def _in_condition(inside: list[Any], place: Place, closing: str) -> str:
    found = place.found
    last = inside[-1] if inside else None
    kind = _type(last)
    words = {"&&": "and", "||": "or", "&": "and", "|": "or"}
    if found in words:
        return f"{found} is none of the language's operators: write {words[found]}"
    if found in ("%", "$"):
        return "a field in a condition is written [name], not %{name}"
    if kind == "BAREWORD":
        raise _Elsewhere(_word_in_condition(str(last), inside, found), _start(last))
    if found.startswith("=") and found not in ("==", "=~"):
        return f"{found} is none of the language's operators: write == to compare, =~ to match a regular expression"
    if found in ("==", "!=", "<", ">", "<=", ">=", "=~", "!~", "in", "not") and any(_type(i) == "BANG" for i in inside):
        return "! stands before a field or a group in parentheses: write !([a] == 1) or [a] != 1"
    if kind == "BANG":
        return f"! stands before a field or a group in parentheses, found {found}"
    if kind in ("COMPARE_OPERATOR", "REGEXP_OPERATOR", "_IN"):
        return _no_operand(str(last), kind, found)
    if kind == "_NOT":
        return f"expected in after not, found {found}"
    if kind in ("BOOLEAN_OPERATOR", "LPAR", "") or last is None:
        after = f" after {last}" if last is not None and kind == "BOOLEAN_OPERATOR" else ""
        return f'expected a condition{after}, such as [field] == "text", found {found}'
    if found == ",":
        return 'a list stands in brackets: in ["a", "b"]'
    if found == ")":
        return "this ) closes nothing"
    if closing == "{":
        hint = ": the block of an if stands in braces" if found != "}" else ""
        return f"expected {{, an operator, and, or, xor or nand behind the condition, found {found}{hint}"
    return f"expected ), and, or, xor or nand, found {found}"


def _word_in_condition(word: str, inside: list[Any], found: str) -> str:
    previous = _type(inside[-2]) if len(inside) > 1 else ""
    if word == "nor":
        return "nor is none of the language's operators: write and !(…)"
    if word == "not":
        return "not stands before in alone ([a] not in [b]): write ! before a field or a group in parentheses"
    if word in ("true", "false", "nil", "null") and previous == "COMPARE_OPERATOR":
        meant = {"true": "if [field]", "false": "if ![field]"}.get(word, "if ![field] for a field that is missing")
        return f'{word} can\'t stand in a comparison: write {meant}, or compare with the text "{word}"'
    if previous in ("COMPARE_OPERATOR", "_IN"):
        return f'{word} must be quoted if it is a text ("{word}"), in brackets if it is a field ([{word}])'
    if previous == "REGEXP_OPERATOR":
        return f"a regular expression stands between slashes: /{word}/"
    if word == "defined" or found == "(":
        return f"{word}() is unknown: write if [field] for a field that is there"
    return f"a field in a condition stands in brackets: [{word}]"


def _no_operand(operator: str, kind: str, found: str) -> str:
    if kind == "REGEXP_OPERATOR":
        if found.startswith("/"):
            return "this regular expression is not closed: there is no / behind it"
        return f"expected a regular expression such as /x/ after {operator}, found {found}"
    if found in "\"'":
        return f"this text is not closed: there is no {found} behind it"
    if found == "(":
        return 'a list stands in brackets: in ["a", "b"]'
    if found.startswith("="):
        return f"{operator}{found} is none of the language's operators: write == to compare"
    return f'expected a text ("a"), a number, a field ([a]) or a list after {operator}, found {found}'


# The stack


def _type(item: Any) -> str:
    return item.type if isinstance(item, Token) else str(item.data) if isinstance(item, Tree) else ""


def _start(item: Any) -> int:
    return item.start_pos if isinstance(item, Token) else item.meta.start_pos


def _after_last(items: list[Any], *types: str) -> list[Any]:
    """From the last item of one of these types on."""
    for index in range(len(items) - 1, -1, -1):
        if _type(items[index]) in types:
            return items[index:]
    return []


def _unfinished(inside: list[Any]) -> tuple[str, list[Any] | None] | None:
    """Of `name => value` pairs the last that is not complete: its name, and what follows the => (None without one).
    None when all are complete."""
    for index in range(len(inside) - 1, -1, -1):
        if _type(inside[index]) == _ARROW:
            name = inside[index - 1]
            return _text(name), inside[index + 1 :]
        if _type(inside[index]) in ("attribute", "hashentry"):
            break
    last = inside[-1] if inside else None
    if last is None or _type(last) in ("attribute", "hashentry"):
        return None
    return _text(last), None


def _text(item: Any) -> str:
    while isinstance(item, Tree) and item.children:
        item = item.children[0]
    return str(item)


def _at_the_end(block: Block, stack: list[Any], text: str) -> str:
    if not text.strip() or (block.kind == "file" and not stack):
        return "this file holds no section: input { … }, filter { … } or output { … }"
    if block.opening is None:
        return f"the end of the file comes where {{ was expected after {_text(stack[-1])}"
    closing = {"{": "}", "[": "]", "(": ")"}[block.opening.value]
    names = {"section": block.name, "plugin": block.name, "hash": "a hash", "array": "an array"}
    of = names.get(block.kind, block.kind)
    what = f"the end of the file comes before the {closing} of {of} (line {block.opening.line})"
    return what + _crooked(text) + _open_string(stack)


_BRACE = re.compile(r"""#[^\n]*|"(?:\\"|[^"])*"|'(?:\\'|[^'])*'|[=!]~\s*/(?:\\/|[^/])*/|(?P<brace>[{}])""")


def _crooked(text: str) -> str:
    """The first } that is indented otherwise than the line of its {: the brace that is missing is probably above it."""
    opened: list[tuple[int, int]] = []
    for match in _BRACE.finditer(text):
        if not match["brace"]:
            continue
        start = text.rfind("\n", 0, match.start()) + 1
        margin = len(text[start:]) - len(text[start:].lstrip(" \t"))
        line = text.count("\n", 0, match.start()) + 1
        if match["brace"] == "{":
            opened.append((line, margin))
        elif opened:
            from_line, expected = opened.pop()
            first_in_line = start + margin == match.start()
            if first_in_line and margin != expected:
                return f". The }} in line {line} closes the {{ of line {from_line}, though it is indented otherwise"
    return ""


def _open_string(stack: list[Any]) -> str:
    """A text that runs on to the quote of another: the mistake is probably where it begins."""
    for item in reversed(stack):
        for token in [item] if isinstance(item, Token) else list(item.scan_values(lambda one: True)):
            if token.type == "STRING" and ("\n" in token or "=>" in token):
                return f". The text that begins in line {token.line} goes on to the next quote: is its own missing?"
    return ""
