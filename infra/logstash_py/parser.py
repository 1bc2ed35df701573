"""Text of a pipeline file → nodes."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import VisitError

from . import nodes
from .errors import ConfigError, Position


@cache
def _lark() -> Lark:
    grammar = files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, start="config", parser="lalr", propagate_positions=True, maybe_placeholders=False)


def parse(text: str, path: str) -> list[nodes.Section]:
    """The sections of one file, in its order. Raises ConfigError, stage `syntax`."""
    lines = text.split("\n")

    def position(line: int, column: int) -> Position:
        return Position(path, line, column, lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else "")

    try:
        tree = _lark().parse(text)
    except UnexpectedInput as error:
        from . import mistakes  # only now: a file that parses needs none of it

        message, offset = mistakes.describe(error, text)
        line = text.count("\n", 0, offset) + 1
        column = offset - (text.rfind("\n", 0, offset) + 1) + 1
        raise ConfigError(f"syntax error: {message}", position(line, column), stage="syntax") from None
    try:
        return _Builder(position).transform(tree)
    except VisitError as error:
        raise error.orig_exc from None


@v_args(meta=True)
class _Builder(Transformer):
    """Lark's tree → nodes. Method names are the grammar's rules."""

    def __init__(self, position: Any) -> None:
        super().__init__()
        self._position = position

    def _at(self, meta: Any) -> Position:
        return self._position(meta.line, meta.column)

    def config(self, meta, children):
        return children

    def plugin_section(self, meta, children):
        return nodes.Section(self._at(meta), str(children[0]), children[1:])

    def plugin_type(self, meta, children):
        return str(children[0])

    def plugin(self, meta, children):
        (name, _), *attributes = children
        for (_, before), (attribute, after) in pairwise(attributes):
            # The only place where whitespace has a meaning.
            if before.end_pos == after.start_pos:
                message = f"syntax error: whitespace is missing before the option {attribute.name}"
                raise ConfigError(message, attribute.position, stage="syntax")
        return nodes.Plugin(self._at(meta), name, [attribute for attribute, _ in attributes])

    def name(self, meta, children):
        # A quoted name keeps its quotes, so that no plugin is found by it, as in Logstash. Options are unquoted below.
        return str(children[0]), meta

    def attribute(self, meta, children):
        (name, _), value = children
        if name[0] in "\"'":
            name = name[1:-1]
        return nodes.Attribute(self._at(meta), name, value), meta

    def bareword(self, meta, children):
        return nodes.Bareword(self._at(meta), str(children[0]))

    def string(self, meta, children):
        return nodes.String(self._at(meta), children[0][1:-1])

    def number(self, meta, children):
        text = str(children[0])
        return nodes.Number(self._at(meta), float(text) if "." in text else int(text))

    def array(self, meta, children):
        return nodes.Array(self._at(meta), children)

    def hash(self, meta, children):
        return nodes.Hash(self._at(meta), children)

    def hashentry(self, meta, children):
        return tuple(children)

    def branch(self, meta, children):
        if isinstance(children[-1], nodes.Branch):
            *arms, otherwise = children
            return nodes.Branch(self._at(meta), arms, otherwise.otherwise, otherwise.else_at)
        return nodes.Branch(self._at(meta), children)

    def if_rule(self, meta, children):
        return children[0], children[1:]

    else_if = if_rule

    def else_rule(self, meta, children):
        at = self._at(meta)
        return nodes.Branch(at, [], children, at)

    def condition(self, meta, children):
        operands, operators = children[::2], [str(token) for token in children[1::2]]
        return nodes.Boolean(self._at(meta), operands, operators) if operators else operands[0]

    def negative_expression(self, meta, children):
        return nodes.Not(self._at(meta), children[0])

    def in_expression(self, meta, children):
        return nodes.In(self._at(meta), children[0], children[1], negated=False)

    def not_in_expression(self, meta, children):
        return nodes.In(self._at(meta), children[0], children[1], negated=True)

    def compare_expression(self, meta, children):
        left, operator, right = children
        return nodes.Compare(self._at(meta), str(operator), left, right)

    def regexp_expression(self, meta, children):
        left, operator, pattern = children
        return nodes.Match(self._at(meta), left, pattern, negated=operator == "!~")

    def method_call(self, meta, children):
        return nodes.MethodCall(self._at(meta), str(children[0]))

    def selector(self, meta, children):
        return nodes.Selector(self._at(meta), "".join(children))

    def regexp(self, meta, children: list[Token]):
        return nodes.Regexp(self._at(meta), children[0][1:-1])
