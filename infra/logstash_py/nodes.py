"""The syntax tree of a pipeline file, as the parser builds it and the compiler reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .errors import Position


@dataclass(slots=True)
class Node:
    position: Position


# Values


@dataclass(slots=True)
class String(Node):
    text: str


@dataclass(slots=True)
class Bareword(Node):
    text: str


@dataclass(slots=True)
class Number(Node):
    value: int | float


@dataclass(slots=True)
class Array(Node):
    items: list[Value]


@dataclass(slots=True)
class Hash(Node):
    entries: list[tuple[String | Bareword | Number, Value]]


# Plugins and branches


@dataclass(slots=True)
class Attribute(Node):
    name: str
    value: Value


@dataclass(slots=True)
class Plugin(Node):
    name: str
    attributes: list[Attribute]


@dataclass(slots=True)
class Probe(Plugin):
    """A filter that stands in no file: coverage and `explain` put it between the statements. `call` gets each event
    that comes by, and leaves it as it is."""

    call: Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Branch(Node):
    """`if … else if … else …`: the arms in order; `otherwise` is empty without an `else`, whose place is `else_at`."""

    arms: list[tuple[Condition, list[Statement]]]
    otherwise: list[Statement] = field(default_factory=list)
    else_at: Position | None = None

    @property
    def blocks(self) -> list[list[Statement]]:
        """The block of each arm, and the `else`'s last."""
        return [*(block for _, block in self.arms), self.otherwise]


@dataclass(slots=True)
class Section(Node):
    kind: str
    statements: list[Statement]


# Conditions


@dataclass(slots=True)
class Selector(Node):
    reference: str


@dataclass(slots=True)
class Regexp(Node):
    pattern: str


@dataclass(slots=True)
class MethodCall(Node):
    name: str


@dataclass(slots=True)
class Compare(Node):
    operator: str
    left: RValue
    right: RValue


@dataclass(slots=True)
class Match(Node):
    left: RValue
    pattern: String | Regexp
    negated: bool


@dataclass(slots=True)
class In(Node):
    left: RValue
    right: RValue
    negated: bool


@dataclass(slots=True)
class Not(Node):
    operand: Condition


@dataclass(slots=True)
class Boolean(Node):
    """`a and b or c` as written: operands and the operators between them. Precedence is the compiler's."""

    operands: list[Condition]
    operators: list[str]


Value = String | Bareword | Number | Array | Hash | Plugin
RValue = String | Number | Selector | Array | Regexp | MethodCall
Condition = Compare | Match | In | Not | Boolean | RValue
Statement = Plugin | Branch


# Walks


def plugins(statements: Iterable[Statement]) -> Iterator[Plugin]:
    """The plugins of these statements and of the blocks in them, in the order of the file."""
    for statement in statements:
        if isinstance(statement, Branch):
            for block in statement.blocks:
                yield from plugins(block)
        else:
            yield statement


def selectors(node: Condition | RValue) -> Iterator[Selector]:
    """The field references in a condition, in order."""
    match node:
        case Selector():
            yield node
        case Boolean():
            for operand in node.operands:
                yield from selectors(operand)
        case Not():
            yield from selectors(node.operand)
        case Compare() | In():
            yield from selectors(node.left)
            yield from selectors(node.right)
        case Match():
            yield from selectors(node.left)
