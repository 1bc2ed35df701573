"""Nodes → text of the language: conditions as a message shows them, sections as Logstash reads them again."""

from __future__ import annotations

import re

from . import nodes

_BARE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_QUOTE_INSIDE = re.compile(r'(?<!\\)"')


def condition(node: nodes.Condition) -> str:
    match node:
        case nodes.Boolean():
            parts = [_operand(node.operands[0])]
            for operator, operand in zip(node.operators, node.operands[1:], strict=True):
                parts += [operator, _operand(operand)]
            return " ".join(parts)
        case nodes.Not():
            text = condition(node.operand)
            return f"!{text}" if isinstance(node.operand, nodes.Selector) else f"!({text})"
        case nodes.Compare():
            return f"{value(node.left)} {node.operator} {value(node.right)}"
        case nodes.Match():
            return f"{value(node.left)} {'!~' if node.negated else '=~'} {value(node.pattern)}"
        case nodes.In():
            return f"{value(node.left)} {'not in' if node.negated else 'in'} {value(node.right)}"
    return value(node)


def _operand(node: nodes.Condition) -> str:
    text = condition(node)
    return f"({text})" if isinstance(node, nodes.Boolean) else text


def value(node: nodes.Value | nodes.RValue) -> str:
    match node:
        case nodes.String():
            # Whichever quote it was written with: the other one stands in it only behind a backslash.
            return f"'{node.text}'" if _QUOTE_INSIDE.search(node.text) else f'"{node.text}"'
        case nodes.Bareword():
            return node.text
        case nodes.Number():
            return str(node.value)
        case nodes.Selector():
            return node.reference
        case nodes.Regexp():
            return f"/{node.pattern}/"
        case nodes.Array():
            return f"[{', '.join(map(value, node.items))}]"
        case nodes.Hash():
            return "{ " + "".join(f"{value(key)} => {value(item)} " for key, item in node.entries) + "}"
        case nodes.MethodCall():
            return f"{node.name}(…)"
    return plugin(node)


def plugin(node: nodes.Plugin) -> str:
    options = "".join(
        f"{a.name if _BARE_NAME.fullmatch(a.name) else value(nodes.String(a.position, a.name))} => {value(a.value)} "
        for a in node.attributes
    )
    return f"{node.name} {{ {options}}}"


def section(node: nodes.Section) -> str:
    return "\n".join([f"{node.kind} {{", *_block(node.statements, 1), "}"]) + "\n"


def _block(statements: list[nodes.Statement], depth: int) -> list[str]:
    margin = "  " * depth
    lines = []
    for statement in statements:
        if isinstance(statement, nodes.Branch):
            for number, (test, block) in enumerate(statement.arms):
                keyword = f"{margin}if" if number == 0 else f"{margin}}} else if"
                lines += [f"{keyword} {condition(test)} {{", *_block(block, depth + 1)]
            if statement.otherwise:
                lines += [f"{margin}}} else {{", *_block(statement.otherwise, depth + 1)]
            lines.append(f"{margin}}}")
        else:
            lines.append(margin + plugin(statement))
    return lines
