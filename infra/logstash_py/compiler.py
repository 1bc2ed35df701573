"""Nodes → a running pipeline.

Plugins are made once, in the order of the file. The filter section becomes one generated Python function that takes a
batch of events and returns those that leave: conditions are expressions in it, plugins are calls. So is the routing of
the output section.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any

from . import analysis, fieldref, nodes, plugin, regex
from .code import Code, Field
from .conditions import HELPERS, to_set_text
from .errors import ConfigError, InvalidReference, Position
from .event import Event
from .plugin import Context, Plugin

_VARIABLE = re.compile(r"\$\{([a-zA-Z_.][a-zA-Z0-9_.]*)(?::([^}]*))?\}")

OnError = Callable[[Event, Exception], None]
FilterFunction = Callable[[list[Event]], list[Event]]


class Compiler:
    """Compiles the sections of one pipeline, whatever number of files they come from."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.plugins: dict[str, list[Any]] = {"input": [], "filter": [], "output": []}
        self._instances: dict[int, Any] = {}
        self._ids: set[str] = set()

    def make_plugins(self, sections: list[nodes.Section]) -> None:
        """Makes all plugins. Raises ConfigError for the first that can't be.

        A plugin that we don't have is told before one that refuses to start, such as for a file that is missing.
        """
        wanted = [(node, section.kind) for section in sections for node in nodes.plugins(section.statements)]
        for node, kind in wanted:
            _find(kind, node)
        for node, kind in wanted:
            instance = self._make(node, kind)
            self._instances[id(node)] = instance
            self.plugins[kind].append(instance)

    def _make(self, node: nodes.Plugin, kind: str) -> Any:
        factory = _find(kind, node)
        values: dict[str, Any] = {}
        positions = {}
        for attribute in node.attributes:
            value = self._value(attribute.value)
            if attribute.name in values:
                value = _merge(values[attribute.name], value)
            values[attribute.name] = value
            positions.setdefault(attribute.name, attribute.position)
        if kind != "codec":
            self._claim_id(values, positions, node, kind)
        with _placed(node.name, node.position):
            return factory(values, positions, node.position, self.context)

    def _claim_id(self, values: dict[str, Any], positions: Any, node: nodes.Plugin, kind: str) -> None:
        """Plugins without an id are named by their place: ids are what the monitoring API shows."""
        given = values.get("id")
        if isinstance(given, list | dict):
            return  # the plugin tells that it is no text
        if given is None:
            at = node.position
            values["id"] = given = f"{node.name}_{at.line}_{at.column}"
            positions["id"] = at
            if given in self._ids:
                values["id"] = given = f"{given}_{len(self._ids)}"
        if given in self._ids:
            raise ConfigError(f"Two plugins have the id '{given}'", positions["id"])
        self._ids.add(given)

    def _value(self, node: nodes.Value) -> Any:
        match node:
            case nodes.String() | nodes.Bareword():
                return substitute(node.text, self.context.environ, node)
            case nodes.Number():
                return node.value
            case nodes.Array():
                return [self._value(item) for item in node.items]
            case nodes.Hash():
                entries: dict[str, Any] = {}
                for key_node, value in node.entries:
                    key = str(key_node.value) if isinstance(key_node, nodes.Number) else key_node.text
                    if key in entries:
                        message = f'Duplicate keys found in your configuration: ["{key}"]'
                        raise ConfigError(message, key_node.position)
                    entries[key] = self._value(value)
                return entries
            case nodes.Plugin():
                return self._make(node, "codec")
        raise ConfigError("this can't be a value", node.position)

    # Code

    def filters(self, sections: list[nodes.Section], on_error: OnError) -> FilterFunction:
        """The filter sections as one function. `on_error` gets an event that a filter broke at, which then leaves the
        batch, and an event that a condition dropped, with a ConditionError."""
        statements = [statement for section in sections for statement in section.statements if section.kind == "filter"]
        code = _Code(self._instances, self.context.environ)
        code.names["on_error"] = on_error
        if code.generates(statements):
            code.stages(statements)
        else:
            code.batch(statements)
        return code.function("filters", "events", returns="out")

    def outputs(self, sections: list[nodes.Section], on_error: OnError) -> Callable[[list[Event]], list[list[Event]]]:
        """The output sections as one function: a batch → for each output plugin, in order, the events that go to it."""
        statements = [statement for section in sections for statement in section.statements if section.kind == "output"]
        code = _Code(self._instances, self.context.environ)
        code.names["on_error"] = on_error
        lists = code.route(statements, self.plugins["output"])
        return code.function("outputs", "events", returns=lists)


@contextmanager
def _placed(name: str, position: Position) -> Iterator[None]:
    """What a plugin can't be made of, such as a text for its field that is no field reference, has its place."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, OSError) as error:
        raise ConfigError(f"{name}: {error}", position, "register") from error


def _find(kind: str, node: nodes.Plugin) -> Any:
    if isinstance(node, nodes.Probe):
        return partial(plugin.Probe, node.call)
    factory = plugin.find(kind, node.name)
    if factory is None:
        known = ", ".join(plugin.names(kind))
        message = f"Couldn't find any {kind} plugin named '{node.name}'. Supported {kind} plugins: {known}"
        raise ConfigError(message, node.position)
    return factory


def _merge(old: Any, new: Any) -> Any:
    """An option given twice: hashes are merged (values of one key become an array), arrays joined, texts put
    together."""
    if isinstance(old, dict) and isinstance(new, dict):
        merged = dict(old)
        for key, value in new.items():
            merged[key] = [*plugin.array(merged[key]), *plugin.array(value)] if key in merged else value
        return merged
    if isinstance(old, list):
        return [*old, *plugin.array(new)]
    if isinstance(old, str) and isinstance(new, str):
        return old + new
    return [*plugin.array(old), *plugin.array(new)]


def substitute(text: str, environ: Mapping[str, str], node: nodes.Node) -> str:
    """${VAR} and ${VAR:default}. A variable that is set but empty stays empty. Raises ConfigError for an unset one."""

    def replace(match: re.Match[str]) -> str:
        name, default = match.groups()
        value = environ.get(name, default)
        if value is None:
            message = (
                f"Cannot evaluate `{match[0]}`. Replacement variable `{name}` is not defined in the environment "
                "and there is no default value given."
            )
            raise ConfigError(message, node.position)
        return value

    return _VARIABLE.sub(replace, text) if "${" in text else text


class _Code(Code):
    """A pipeline's function."""

    def __init__(self, instances: dict[int, Any], environ: Mapping[str, str]) -> None:
        super().__init__()
        self.instances = instances
        self.conditions = _Conditions(self, environ)
        self.names |= HELPERS | {"clock": perf_counter}
        # (name of a local counter, name of a plugin's metrics), for each plugin.
        self.counters: list[tuple[str, str]] = []
        # The statement that counts what comes to the loop at hand.
        self.whole: str | None = None
        self.lists = 0

    def generates(self, statements: list[nodes.Statement]) -> bool:
        """Whether a plugin in the statements makes new events."""
        for statement in statements:
            if isinstance(statement, nodes.Branch):
                if any(map(self.generates, statement.blocks)):
                    return True
            elif self.instances[id(statement)].effect == "generate":
                return True
        return False

    def light(self, statement: nodes.Statement) -> bool:
        """Whether the statement is too little work for a loop of its own."""
        if isinstance(statement, nodes.Branch):
            return all(self.light(one) for block in statement.blocks for one in block)
        return self.instances[id(statement)].light

    # When no plugin makes new events: each statement runs over the whole batch before the next does, as in Logstash.
    # That keeps a processor's caches warm, and is a quarter faster than to take each event through all statements.

    def batch(self, statements: list[nodes.Statement]) -> None:
        counters = len(self.lines)
        self.line("")
        # The ids of events that have left.
        self.line("gone = set()")
        self.block_of("events", statements)
        self.staying("out", "events")
        for counter, metrics in self.counters:
            self.line(f"{metrics}.events_in += {counter}")
            self.line(f"{metrics}.events_out += {counter}")
        names = dict.fromkeys(counter for counter, _ in self.counters)
        if names:
            self.lines[counters] += f"{' = '.join(names)} = 0"

    def block_of(self, events: str, statements: list[nodes.Statement]) -> None:
        """Runs the statements over the events of a list."""
        for together, branch in self.loops(statements):
            if branch:
                self.parted(events, together, branch)
            else:
                self.each(events, lambda together=together: self.statements(together, events))

    def loops(self, statements: list[nodes.Statement]) -> Iterator[tuple[list[nodes.Statement], nodes.Branch | None]]:
        """What shares a loop: light statements in a row or one plugin of more work, whose time is then its own, and
        the branch after them, which parts the events."""
        together: list[nodes.Statement] = []
        for statement in statements:
            if not self.light(statement) and isinstance(statement, nodes.Branch):
                yield together, statement
                together = []
                continue
            if together and not (self.light(statement) and self.light(together[-1])):
                yield together, None
                together = []
            together.append(statement)
        if together:
            yield together, None

    def each(self, events: str, write: Callable[[], None]) -> None:
        """A loop over those events of a list that haven't left."""
        self.staying(events, events)
        begun, counters = len(self.lines), len(self.counters)
        self.whole = None
        self.line("begun = clock()")
        with self.block(f"for event in {events}:"), self.event():
            with self.block("try:"):
                write()
            with self.block("except Exception as error:"):
                self.line("on_error(event, error)")
                self.line("gone.add(id(event))")
        if self.whole:
            self.line(self.whole)
        if inner := self.counters[counters:]:
            self.timed(inner)
        else:
            del self.lines[begun]

    def timed(self, counters: list[tuple[str, str]]) -> None:
        """The loop's time is that of the plugins in it: of light ones, each has its part by the events that came to
        it."""
        self.line(f"share = (clock() - begun) / ({' + '.join(counter for counter, _ in counters)} or 1)")
        for counter, metrics in counters:
            self.line(f"{metrics}.seconds += share * {counter}")

    def staying(self, to: str, events: str) -> None:
        with self.block("if gone:"):
            self.line(f"{to} = [event for event in {events} if id(event) not in gone]")
        if to != events:
            with self.block("else:"):
                self.line(f"{to} = {events}")

    def parted(self, events: str, before: list[nodes.Statement], node: nodes.Branch) -> None:
        """A branch, and the statements before it: the events of each arm go to a list of their own."""
        blocks = node.blocks if node.otherwise else node.blocks[:-1]
        lists = [f"events{self.lists + number}" for number in range(len(blocks))]
        self.lists += len(blocks)
        for name in lists:
            self.line(f"{name} = []")
        appends = iter(lists)

        def write() -> None:
            self.statements(before, events)
            self.recycle()
            self.branch(node, lambda _: self.line(f"{next(appends)}.append(event)"))

        self.each(events, write)
        for name, block in zip(lists, blocks, strict=True):
            with self.block(f"if {name}:"):
                self.block_of(name, block)

    def statements(self, statements: Iterable[nodes.Statement], coming: str | None = None) -> None:
        """Runs one event through the statements; `coming` is the list whose events all come here, if there is one."""
        # Plugins that the same events come to share their counter.
        counter = None
        for statement in statements:
            self.recycle()
            if isinstance(statement, nodes.Branch):
                self.branch(statement, self.statements)
            else:
                if counter is None:
                    counter = f"count{len(self.counters)}"
                    if coming:
                        self.whole = f"{counter} = len({coming})"
                    else:
                        self.line(f"{counter} += 1")
                self.plugin(self.instances[id(statement)], counter)

    def branch(self, node: nodes.Branch, write: Callable[[list[nodes.Statement]], None]) -> None:
        # What the conditions read is looked up before all of them.
        arms = [(self.conditions.expression(condition), statements) for condition, statements in node.arms]
        for position, (condition, statements) in enumerate(arms):
            with self.block(f"{'elif' if position else 'if'} {condition}:"):
                write(statements)
        if node.otherwise:
            with self.block("else:"):
                write(node.otherwise)

    def plugin(self, instance: Any, counter: str) -> None:
        with _placed(instance.name, instance.at):
            self._plugin(instance, counter)

    def _plugin(self, instance: Any, counter: str) -> None:
        metrics = self.bind(instance.metrics, "metrics")
        self.counters.append((counter, metrics))
        if isinstance(instance, plugin.Inlined):
            self.line(f"# {instance.id}")
            instance.emit(self)
        elif instance.effect == "cancel":
            with self.block(f"if {self.bind(instance.apply(), instance.name)}(event):"):
                self.line(f"{metrics}.events_out -= 1")
                self.line("gone.add(id(event))")
            self.changed()
        else:
            self.line(f"{self.bind(instance.apply(), instance.name)}(event)")
            self.changed()

    # All events run through each statement, as in Logstash: when plugins make new events. An `if` puts the events that
    # match it in front of the others.

    def stages(self, statements: list[nodes.Statement]) -> None:
        stages = self.bind(self.stage_list(statements), "stages")
        self.line("out = []")
        with self.block("for event in events:"):
            self.line(f"out += {self.bind(_run_stage)}({stages}, [event], on_error)")

    def stage_list(self, statements: list[nodes.Statement]) -> list[Any]:
        stages: list[Any] = []
        for statement in statements:
            if isinstance(statement, nodes.Branch):
                arms = [
                    (self.conditions.function(condition), self.stage_list(block)) for condition, block in statement.arms
                ]
                stages.append((arms, self.stage_list(statement.otherwise)))
            else:
                instance = self.instances[id(statement)]
                with _placed(instance.name, instance.at):
                    stages.append((instance.effect, instance.apply(), instance.metrics))
        return stages

    # Outputs

    def route(self, statements: list[nodes.Statement], outputs: list[Plugin]) -> str:
        """Returns an expression for the lists of events, one for each output."""
        lists = {id(output): f"to{number}" for number, output in enumerate(outputs)}

        def write(statements: list[nodes.Statement]) -> None:
            for statement in statements:
                if isinstance(statement, nodes.Branch):
                    self.branch(statement, write)
                else:
                    self.line(f"{lists[id(self.instances[id(statement)])]}.append(event)")

        for name in lists.values():
            self.line(f"{name} = []")
        with self.block("for event in events:"), self.event():
            with self.block("try:"):
                write(statements)
            with self.block("except Exception as error:"):
                self.line("on_error(event, error)")
        return f"[{', '.join(lists.values())}]"


def _run_stage(stages: list[Any], events: list[Event], on_error: OnError) -> list[Event]:
    for stage in stages:
        if not events:
            return events
        if len(stage) == 2:
            arms, otherwise = stage
            matched: list[Event] = []
            rest = events
            for condition, block in arms:
                yes: list[Event] = []
                no: list[Event] = []
                for event in rest:
                    try:
                        (yes if condition(event) else no).append(event)
                    except Exception as error:  # what a condition raises is told, and the event is gone
                        on_error(event, error)
                matched += _run_stage(block, yes, on_error)
                rest = no
            events = matched + _run_stage(otherwise, rest, on_error)
            continue
        effect, apply, metrics = stage
        metrics.events_in += len(events)
        out: list[Event] = []
        begun = perf_counter()
        for event in events:
            try:
                result = apply(event)
            except Exception as error:
                on_error(event, error)
                continue
            if effect == "generate":
                out += result
            elif effect == "change" or not result:
                out.append(event)
        metrics.seconds += perf_counter() - begun
        metrics.events_out += len(out)
        events = out
    return events


class _Conditions:
    """Conditions → Python expressions over `event`."""

    def __init__(self, code: _Code, environ: Mapping[str, str]) -> None:
        self.code = code
        self.environ = environ

    def function(self, node: nodes.Condition) -> Callable[[Event], bool]:
        code = Code()
        code.names = self.code.names
        with code.event():
            expression = _Conditions(code, self.environ).expression(node)
        return code.function("condition", "event", returns=expression)

    def expression(self, node: nodes.Condition) -> str:
        match node:
            case nodes.Boolean():
                return self._boolean(node)
            case nodes.Not():
                return f"(not {self.expression(node.operand)})"
            case nodes.Compare():
                return self._compare(node)
            case nodes.Match():
                return self._match(node)
            case nodes.In():
                text = self._in(node)
                return f"(not {text})" if node.negated else text
            case nodes.Selector():
                value = self.code.fresh()
                get = self._get(node)
                # Zero, [] and {} are true.
                text = f"{value} != '' and {value} != 'false'"
                return f"({text} if type({value} := {get}) is str else {value} is not None and {value} is not False)"
            case nodes.String():
                return repr(self._text(node) not in ("", "false"))
            case nodes.Number() | nodes.Regexp() | nodes.Array():
                return "True"
        raise ConfigError(f"'{node.name}' can't be called in a condition", node.position)

    def _text(self, node: nodes.String) -> str:
        return substitute(node.text, self.environ, node)

    def _get(self, node: nodes.Selector) -> str:
        try:
            path = fieldref.parse(node.reference)
        except InvalidReference as error:
            raise ConfigError(str(error), node.position) from None
        return Field(self.code, path).get()

    def _boolean(self, node: nodes.Boolean) -> str:
        operands = [self.expression(operand) for operand in node.operands]
        if len(node.operators) == 1 and node.operators[0] in ("xor", "nand"):
            left, right = operands
            return f"(({left}) != ({right}))" if node.operators[0] == "xor" else f"(not (({left}) and ({right})))"
        if not {"xor", "nand"}.isdisjoint(node.operators):
            message = "Unexpected operator: xor and nand can't stand beside other operators without parentheses"
            raise ConfigError(message, node.position)
        # Python's `and` binds closer than its `or`, as Logstash's do.
        text = operands[0]
        for operator, operand in zip(node.operators, operands[1:], strict=True):
            text += f" {operator} {operand}"
        return f"({text})"

    def _constant(self, node: nodes.RValue) -> Any:
        """A literal's value. Raises ConfigError for what is none."""
        match node:
            case nodes.String():
                return self._text(node)
            case nodes.Number():
                return node.value
            case nodes.Regexp():
                return node.pattern
            case nodes.Array():
                return [self._constant(item) for item in node.items]
            case nodes.Bareword():
                return node.text
        raise ConfigError("Failed to parse right-hand side of conditional", node.position)

    def _compare(self, node: nodes.Compare) -> str:
        left, right = node.left, node.right
        for side in (left, right):
            if isinstance(side, nodes.Array) and not side.items:
                raise ConfigError("Failed to parse right-hand side of conditional", side.position)
        if not isinstance(left, nodes.Selector) and isinstance(right, nodes.Selector):
            mirrored = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(node.operator, node.operator)
            return self._compare(nodes.Compare(node.position, mirrored, right, left))
        if not isinstance(left, nodes.Selector):
            a, b = self._constant(left), self._constant(right)
            if node.operator in ("==", "!="):
                return repr((type(a) is type(b) and a == b) == (node.operator == "=="))
            return f"compare[{node.operator!r}]({a!r}, {b!r})"
        get = self._get(left)
        if isinstance(right, nodes.Selector):
            other = self._get(right)
            if node.operator in ("==", "!="):
                same = f"same({get}, {other})"
                return same if node.operator == "==" else f"(not {same})"
            return f"compare[{node.operator!r}]({get}, {other})"
        constant = self._constant(right)
        if isinstance(constant, list):
            # Logstash compares with the first element only.
            constant = constant[0]
        if node.operator in ("==", "!="):
            if isinstance(constant, str):
                return f"({get} {node.operator} {constant!r})"
            value = self.code.fresh()
            equal = f"(type({value} := {get}) is {type(constant).__name__} and {value} == {constant!r})"
            return equal if node.operator == "==" else f"(not {equal})"
        value = self.code.fresh()
        slow = f"compare[{node.operator!r}]({value}, {constant!r})"
        if isinstance(constant, str):
            return f"({value} {node.operator} {constant!r} if type({value} := {get}) is str else {slow})"
        return f"({value} {node.operator} {constant!r} if type({value} := {get}) is int else {slow})"

    def _match(self, node: nodes.Match) -> str:
        pattern = node.pattern.pattern if isinstance(node.pattern, nodes.Regexp) else self._text(node.pattern)
        if isinstance(node.pattern, nodes.Regexp):
            pattern = pattern.replace("\\/", "/")
        try:
            compiled = regex.compile(pattern)
        except ValueError as error:
            raise ConfigError(str(error), node.pattern.position, stage="run") from None
        if isinstance(node.left, nodes.Selector):
            value = self.code.fresh()
            found = f"(type({value} := {self._get(node.left)}) is str and {self._search(compiled.pattern, value)})"
        else:
            found = repr(compiled.pattern.search(str(self._constant(node.left))) is not None)
        return f"(not {found})" if node.negated else found

    def _search(self, pattern: Any, value: str) -> str:
        """Whether the pattern is found in a text; by the text's own methods where it stands for a few texts."""
        found = analysis.texts(pattern)
        if found is None or not (found.at_start or found.at_end or len(found.texts) == 1):
            return f"{self.code.bind(regex.searcher(pattern))}({value}) is not None"
        if found.texts == [""] and not (found.at_start and found.at_end):
            return "True"
        texts = tuple(found.texts)
        if found.at_start and found.at_end:
            return f"{value} in {texts}"
        if found.at_start:
            return f"{value}.startswith({texts})"
        return f"{value}.endswith({texts})" if found.at_end else f"{texts[0]!r} in {value}"

    def _in(self, node: nodes.In) -> str:
        left, right = node.left, node.right
        if isinstance(left, nodes.Selector) and isinstance(right, nodes.Selector):
            return f"field_in_field({self._get(left)}, {self._get(right)})"
        if isinstance(right, nodes.Selector):
            return f"constant_in_field({self._constant(left)!r}, {self._get(right)})"
        constant = self._constant(right)
        if isinstance(left, nodes.Selector):
            get = self._get(left)
            if not isinstance(constant, list):
                return f"field_in_text({get}, {to_set_text(constant)!r})"
            texts = self.code.bind(frozenset(map(to_set_text, constant)), "texts")
            value = self.code.fresh()
            return f"({value} in {texts} if type({value} := {get}) is str else field_in_list({value}, {texts}))"
        # A literal in a literal: equal or not, even for a list.
        a = self._constant(left)
        return repr(type(a) is type(constant) and a == constant)
