"""Generated code against the general functions: the same events, whatever stands where an object is expected."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logstash_py import Pipeline, fieldref
from logstash_py import event as events
from logstash_py.code import Code
from logstash_py.errors import FieldError
from logstash_py.fieldref import MISSING

NAMES = ["a", "b", "c", "0", "-1", "tags", "@timestamp", "@metadata"]
# Few different ones, so that steps meet: often [a][b], [a][c], [a][b][c], [a][0].
paths = st.sampled_from([("a",), ("a", "b"), ("a", "c"), ("a", "b", "c"), ("a", "0"), ("@metadata", "a", "b")])
paths |= st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(tuple)
values = st.recursive(
    st.sampled_from([None, True, False, 0, 1.5, "", "false", "x", "2025-02-02T12:34:56.123", "12", '{"a": {"b": 1}}']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=4,
)
documents = st.dictionaries(st.sampled_from(NAMES), values, max_size=5).map(events.build)

# A program is a list of steps: ("get" | "has" | "take", path), ("set", path, value), ("if" | "try", path, program).
steps = st.deferred(
    lambda: (
        st.tuples(st.sampled_from(["get", "has", "take"]), paths)
        | st.tuples(st.just("set"), paths, values)
        | st.tuples(st.sampled_from(["if", "try"]), paths, programs)
    )
)
programs = st.lists(steps, max_size=6)


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Thousands of events break filters here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def emit(code: Code, program: list[Any], constants: list[Any]) -> None:
    for kind, path, *rest in program:
        field = code.field("".join(f"[{key}]" for key in path))
        match kind:
            case "get":
                code.line(f"seen.append({field.get()})")
            case "has":
                code.line(f"seen.append({field.includes()})")
            case "take":
                with code.block(f"if {field.includes()}:"):
                    code.line(f"seen.append({field.take()})")
            case "set":
                constants.append(rest[0])
                field.set(f"copied(constants[{len(constants) - 1}])")
            case "if":
                with code.block(f"if {field.includes()}:"):
                    emit(code, rest[0], constants)
            case "try":
                with code.block("try:"):
                    emit(code, rest[0], constants)
                    field.set("'x'")
                with code.block("except ValueError:"):
                    code.line("seen.append('failed')")


def interpret(event: dict[str, Any], program: list[Any], seen: list[Any]) -> None:
    for kind, path, *rest in program:
        match kind:
            case "get":
                seen.append(fieldref.get(event, path))
            case "has":
                seen.append(fieldref.includes(event, path))
            case "take":
                if fieldref.includes(event, path):
                    seen.append(fieldref.remove(event, path))
            case "set":
                fieldref.set_(event, path, copy.deepcopy(rest[0]))
            case "if":
                if fieldref.includes(event, path):
                    interpret(event, rest[0], seen)
            case "try":
                try:
                    interpret(event, rest[0], seen)
                    fieldref.set_(event, path, "x")
                except ValueError:
                    seen.append("failed")


def outcome(run: Any, event: dict[str, Any]) -> tuple[Any, Any, bool]:
    """(the event after it, what was seen, whether it failed)"""
    event, seen = copy.deepcopy(event), []
    try:
        run(event, seen)
    except FieldError:
        return event, seen, True
    return event, seen, False


# What is made on the way to [a][0], or taken away, is noticed by those that know [a] or what is below it.
@example(event={}, program=[("get", ("a", "b")), ("set", ("a", "0"), "x"), ("set", ("a", "b"), "x")])
@example(event={"a": {"b": {"c": 1}}}, program=[("get", ("a", "b", "c")), ("take", ("a",)), ("get", ("a", "b", "c"))])
@settings(max_examples=60, deadline=None)
@given(event=documents, program=programs)
def test_fields(event, program):
    code, constants = Code(), []
    with code.event():
        emit(code, program, constants)
    code.names |= {"constants": constants, "copied": copy.deepcopy}
    generated = code.function("generated", "event", "seen")
    expected = outcome(lambda event, seen: interpret(event, program, seen), event)
    assert repr(outcome(generated, event)) == repr(expected)
    assert code.names["EMPTY"] == {}
    assert code.names["MISSING"] is MISSING


FILTERS = r"""filter {
  mutate { convert => { "[a][b]" => "string" "[a][a]" => "integer" "b" => "boolean" "[b][a]" => "float" } }
  mutate {
    rename => { "[a][b]" => "[b][a][b]" "[b][b]" => "[a]" "[@metadata][a]" => "[b][0]" }
    copy => { "[a]" => "[@metadata][b]" }
  }
  mutate {
    uppercase => ["[a][b]"] strip => ["b"] gsub => ["[b][a]", "x", "y", "[a]", "\d", "%{b}"]
    update => { "[a][a]" => "%{[b][a]}-%{[a]}" }
  }
  grok {
    match => { "[a][b]" => "(?<[b][c]>\d+)(?<[a][0]>.)?" "b" => ["%{WORD:[a][w]}", "(?<b>1)"] }
    add_tag => ["g"]
  }
  json { source => "a" target => "[b][json]" }
  json { source => "[b][a]" add_field => { "[a][f]" => "%{[b][json]}" } }
  date { match => ["[a][b]", "ISO8601", "UNIX"] target => "[b][t]" }
  translate {
    source => "[b][a]" target => "[a][b]" dictionary => { "x" => "1" "12" => "2" } fallback => "%{[a][a]}"
  }
  fingerprint {
    source => ["[a][b]", "b"] concatenate_sources => true method => "SHA256" target => "[@metadata][a][id]"
  }
  mutate {
    merge => { "[a][b]" => "[b][a]" } split => { "[b][a]" => "2" } join => { "[a][b]" => "-" }
    coerce => { "[b][c]" => "none" }
  }
  mutate {
    replace => { "[a][b]" => "%{[b][a]}" "[b][a]" => "%{[a][b]}" } add_field => { "[a][b]" => "more" }
    remove_field => ["[b]", "[a][a]"] remove_tag => ["g"]
  }
}"""
PIPELINE = Pipeline.from_text(FILTERS)
CALLED = [one.apply() for one in PIPELINE.filters]


@settings(max_examples=100, deadline=None)
@given(event=documents)
def test_inlined_filters_do_what_called_ones_do(event):
    """In the pipeline's function filters share what they have looked up; each called by itself shares nothing."""
    expected, actual = copy.deepcopy(event), copy.deepcopy(event)
    broke = False
    try:
        for filter_ in CALLED:
            filter_(expected)
    except FieldError:
        broke = True
    PIPELINE.crashed.clear()
    left = PIPELINE.run_filters([actual])
    assert (repr(actual), left == [], bool(PIPELINE.crashed)) == (repr(expected), broke, broke)
