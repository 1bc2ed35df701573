"""Python source under construction: what the compiler and the filters write a pipeline's functions with.

A filter's `emit` adds its statements to a `Code`; the event is always the local variable `event`, and `get` is its
method. An object in the event that fields are in (`[log]` for `[log][level]`) is looked up once and then kept in a
variable, for as long as nothing else is put in its place: `Code.object`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import fieldref, sprintf
from .errors import InvalidReference
from .fieldref import MISSING, Path
from .text import ruby_text

# What generated code may call without binding it.
_GENERAL = {
    "MISSING": MISSING,
    # The object that isn't there: never changed.
    "EMPTY": {},
    "Elsewhere": fieldref.Elsewhere,
    "get_field": fieldref.get,
    "has_field": fieldref.includes,
    "remove_field": fieldref.remove,
    "set_field": fieldref.set_,
    "parse_reference": fieldref.parse,
    "render": sprintf.render,
}


class Code:
    """The body of one function. Expressions are passed around as their source text."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = dict(_GENERAL)
        self.lines: list[str] = []
        self.depth = 1
        self._locals = 0
        # Variables of objects, by their paths: None when not looked up yet. And the paths of those that were looked
        # up here for sure, a set for each open block.
        self._objects: dict[Path, str] = {}
        self._known: list[set[Path]] = [set()]

    @contextmanager
    def event(self) -> Iterator[None]:
        """`with code.event():` what is added within works on a new value of the variable `event`."""
        self.line("get = event.get")
        at = len(self.lines)
        self.line("")
        self._locals = 0
        self._objects = {}
        self._known = [set()]
        yield
        if self._objects:
            self.lines[at] += f"{' = '.join(self._objects.values())} = None"

    def fresh(self) -> str:
        """The name of a new local variable."""
        self._locals += 1
        return f"v{self._locals}"

    def recycle(self) -> None:
        """From here on the local variables of before may be used anew. CPython's specialised instructions reach 256 of
        them; a function with more is half as fast."""
        self._locals = 0

    def bind(self, value: Any, hint: str = "c") -> str:
        """A name for an object that the code uses. Functions go by their own names, for tracebacks and profiles."""
        name = f"{getattr(value, '__name__', hint).strip('<>')}_{len(self.names)}"
        self.names[name] = value
        return name

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """`with code.block("if x:"):` what is added within stands in the block."""
        self.line(header)
        self.depth += 1
        known = self._known
        known.append(set())
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        known.pop()
        self._known = known
        self.depth -= 1

    def local(self, expression: str) -> str:
        """A name that has the expression's value: for what is used more than once."""
        if expression.isidentifier():
            return expression
        name = self.fresh()
        self.line(f"{name} = {expression}")
        return name

    def object(self, path: Path) -> str:
        """A variable that holds the object at `path`: EMPTY when there is nothing, an Elsewhere for what is no
        object."""
        name = self._objects.setdefault(path, f"o{len(self._objects) + 1}")
        if not any(path in known for known in self._known):
            with self.block(f"if {name} is None:"):
                parent = f"{self.object(path[:-1])}.get" if len(path) > 1 else "get"
                with self.block(f"if type({name} := {parent}({path[-1]!r})) is not dict:"):
                    self.line(f"{name} = EMPTY if {name} is None else Elsewhere(event, {path})")
            self._known[-1].add(path)
        return name

    def changed(self, path: Path = ()) -> None:
        """Another value stands at `path`, or will: the objects there and below are to be looked up again."""
        stale = [one for one in self._objects if one[: len(path)] == path]
        if stale:
            self.line(f"{' = '.join(self._objects[one] for one in stale)} = None")
        for known in self._known:
            known.difference_update(stale)

    def field(self, reference: Any) -> Field:
        """The field of a reference, which may hold sprintf. It is then read once, here. A malformed one raises
        InvalidReference when an event comes, as in Logstash."""
        return self.exact_field(reference) if sprintf.is_constant(reference) else self.named(self.text(reference))

    def exact_field(self, reference: Any) -> Field:
        """The field of a reference in which `%{` means nothing. A malformed one raises as in `field`."""
        try:
            return Field(self, fieldref.parse(reference))
        except InvalidReference:
            return self.named(self.bind(reference))

    def named(self, reference: str) -> NamedField:
        """The field of a reference that an expression gives."""
        return NamedField(self, self.local(f"parse_reference({reference})"))

    def text(self, template: Any) -> str:
        """An expression for the text of a sprintf template, whose parts are read here."""
        if sprintf.is_constant(template):
            return repr(ruby_text(template))
        return self.joined([self._part(kind, value) for kind, value in sprintf.parts(template)])

    def joined(self, parts: list[str]) -> str:
        """An expression for texts one after the other: of constants and of variables that hold a str."""
        if len(parts) == 1:
            return parts[0]
        return "(" + " ".join(f"f'{{{part}}}'" if part.isidentifier() else part for part in parts) + ")"

    def _part(self, kind: str, value: Any) -> str:
        if kind == "constant":
            return repr(value)
        if kind == "field":
            try:
                name = self.local(Field(self, fieldref.parse(value)).get())
            except InvalidReference:
                pass
            else:
                with self.block(f"if type({name}) is not str:"):
                    self.line(f"{name} = {'%{' + value + '}'!r} if {name} is None else render({name})")
                return name
        return self.local(f"{self.bind(sprintf.part(kind, value))}(event)")

    def function(self, name: str, *parameters: str, returns: str = "") -> Callable[..., Any]:
        """The code so far as a function."""
        if returns or not self.lines:
            self.line(f"return {returns}")
        # Local variables are faster than built-in names, and make for denser code.
        built_in = [f"{one}={one}" for one in ("type", "dict", "list", "str")]
        source = f"def {name}({', '.join([*parameters, '*', *built_in])}):\n" + "\n".join(self.lines) + "\n"
        exec(compile(source, f"<{name}>", "exec"), self.names)  # noqa: S102 our own code
        return self.names[name]


def function(name: str, emit: Callable[[Code], None]) -> Callable[[fieldref.Event], None]:
    """What `emit` writes, as a function of an event."""
    code = Code()
    with code.event():
        emit(code)
    return code.function(name, "event")


class Field:
    """One field in generated code: expressions that read it, statements that set it."""

    def __init__(self, code: Code, path: Path) -> None:
        self._code = code
        self._path = path
        self._last = repr(path[-1])
        # Indexes of arrays move, and some fields take only certain values: these go by the general functions.
        index = any(key.lstrip("-").isdigit() for key in path[1:])
        self._general = index or path[0] == "tags" or path in (("@timestamp",), ("@metadata",))

    def get(self) -> str:
        """The value, None when there is none."""
        if self._general:
            general = f"get_field(event, {self._path})"
            # Below a text there is nothing.
            return general if len(self._path) == 1 else f"(None if type(get({self._path[0]!r})) is str else {general})"
        return f"get({self._last})" if len(self._path) == 1 else f"{self._object()}.get({self._last})"

    def take(self) -> str:
        """Takes the value out of the event, which includes it."""
        taken = f"remove_field(event, {self._path})" if self._general else f"{self._object()}.pop({self._last})"
        self._code.changed(self._path)
        return taken

    def includes(self) -> str:
        """Whether there is something, be it null."""
        return f"has_field(event, {self._path})" if self._general else f"({self._last} in {self._object()})"

    def set(self, value: str) -> None:
        """Sets the field to an expression's value. The statement raises FieldError where Logstash does."""
        code = self._code
        if self._general:
            code.line(f"set_field(event, {self._path}, {value})")
            self.made()
        elif len(self._path) == 1:
            code.line(f"event[{self._last}] = {value}")
        else:
            value = code.local(value)
            code.line(f"{self._making(self._path[:-1])}[{self._last}] = {value}")
        code.changed(self._path)

    def made(self) -> None:
        """To be called when something else sets the field: it may make the objects on the way to it."""
        self._code.changed(self._path[:1])

    def _object(self) -> str:
        return self._code.object(self._path[:-1]) if len(self._path) > 1 else "event"

    def _making(self, path: Path) -> str:
        """The variable of an object that is made when there is none."""
        name = self._code.object(path)
        with self._code.block(f"if {name} is EMPTY:"):
            parent = self._making(path[:-1]) if len(path) > 1 else "event"
            self._code.line(f"{parent}[{path[-1]!r}] = {name} = {{}}")
        return name


class NamedField(Field):
    """A field whose reference is known when an event comes: `path` is the variable that holds its path."""

    def __init__(self, code: Code, path: str) -> None:
        self._code = code
        self._variable = path

    def get(self) -> str:
        return f"get_field(event, {self._variable})"

    def take(self) -> str:
        self._code.changed()
        return f"remove_field(event, {self._variable})"

    def includes(self) -> str:
        return f"has_field(event, {self._variable})"

    def set(self, value: str) -> None:
        self._code.line(f"set_field(event, {self._variable}, {value})")
        self._code.changed()
