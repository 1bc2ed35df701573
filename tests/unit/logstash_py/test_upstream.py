"""Behaviour that is read off the plugins' sources: each case names the file and the lines that it rests on.

Repositories are those of github.com/logstash-plugins, at the versions that Logstash 8.17 comes with.
"""

from __future__ import annotations

import hashlib

import pytest

from logstash_py import Pipeline
from logstash_py.errors import PipelineCrash
from logstash_py.murmur3 import murmur3_128

FAILED = {"tags": ["_mutate_error"]}


def run(text: str, **event: object) -> dict:
    (out,) = Pipeline.from_text(f"filter {{ {text} }}").filter([{"@timestamp": "2025-02-02T12:34:56.789Z", **event}])
    return {key: value for key, value in out.items() if key not in ("@timestamp", "@version")}


# logstash-filter-mutate, lib/logstash/filters/mutate.rb


def test_strip_wants_texts_only() -> None:
    """`event.set(field, value.map{|s| s.strip })`: a number has no strip, and the failure ends the filter."""
    text = "mutate { strip => ['v'] add_tag => ['end'] }"
    assert run(text, v=[" a ", "\tb\0"]) == {"v": ["a", "b"], "tags": ["end"]}
    assert run(text, v=[" a ", 5]) == {"v": [" a ", 5]} | FAILED
    assert run(text, v=[None]) == {"v": [None]} | FAILED
    assert run(text, v=5) == {"v": 5, "tags": ["end"]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["a"], ["a", "b", "c"]),
        # `Array(dest_field_value).concat(…)`: Array() of an array is that array, which grows; of others a new one.
        ("a", ["a", "c"]),
        (None, ["c"]),
        (5, [5, "c"]),
    ],
)
def test_merge_of_several_adds_to_what_was_there_before_all(before: object, after: list) -> None:
    found = run('mutate { merge => { "dst" => ["s1", "s2"] } }', dst=before, s1="b", s2=["c"])
    assert found["dst"] == after


def test_merge_of_several_objects() -> None:
    """`event.set(dest_field, dest_field_value.update(added_field_value))`; an array and a hash are not merged."""
    text = 'mutate { merge => { "dst" => ["s1", "s2", "s3"] } }'
    assert run(text, dst={"a": 1}, s1={"b": 2}, s2=["x"], s3={"a": 3})["dst"] == {"a": 3, "b": 2}
    assert "dst" not in run('mutate { merge => { "dst" => "s1" } }', s1={"b": 2})
    assert run('mutate { merge => { "dst" => "no" } }')["dst"] == []


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("convert => { '%{f}' => 'integer' }", {"v": "1"}),
        ("gsub => ['%{f}', 'a', 'b']", {"v": "a"}),
        ("uppercase => ['%{f}']", {"v": "a"}),
        ("split => { '%{f}' => ',' }", {"v": "a,b"}),
        ("copy => { '%{f}' => 'w' }", {"v": "a"}),
        ("update => { '%{f}' => 'w' }", {"v": "a"}),
    ],
)
def test_only_rename_reads_sprintf_in_names(text: str, event: dict) -> None:
    """`rename` has `old = event.sprintf(old)`, the others `event.get(field)` as it is written."""
    assert run(f"mutate {{ {text} }}", f="v", **event) == {"f": "v", **event}


def test_a_name_that_looks_like_sprintf_is_a_name() -> None:
    """`event.set(field, event.sprintf(newvalue))`."""
    assert run("mutate { replace => { '%{f}' => '%{f}' } }", f="v") == {"f": "v", "%{f}": "v"}
    assert run("mutate { copy => { 'f' => '%{f}' } }", f="v") == {"f": "v", "%{f}": "v"}
    assert run("mutate { replace => { '%{[f]}' => '1' } }") == FAILED  # no field reference


@pytest.mark.parametrize("text", ["split => { 'v' => 5 }", "join => { 'l' => 5 }"])
def test_a_separator_is_a_text(text: str) -> None:
    """`value.split(separator)`, `value.join(separator)`: Ruby's want a String."""
    event = {"v": "152", "l": [1, 2]}
    assert run(f"mutate {{ {text} }}", **event) == event | FAILED
    assert run(f"mutate {{ {text} }}", v=5, l="no array") == {"v": 5, "l": "no array"}


def test_split_at_blanks() -> None:
    """`value.split(" ")`: Ruby means ASCII's blanks, of which a no-break space is none."""
    assert run("mutate { split => { 'v' => ' ' } }", v=" a \t b\u00a0c\n")["v"] == ["a", "b\u00a0c"]


def test_a_point_in_time_is_a_number_of_seconds() -> None:
    """`value.to_i`, `value.to_f` of a LogStash::Timestamp."""
    text = "mutate { copy => { '@timestamp' => 'i' } } mutate { copy => { 'i' => 'f' } } "
    found = run(text + "mutate { convert => { 'i' => 'integer' 'f' => 'float' } }")
    assert found == {"i": 1738499696, "f": 1738499696.789}


# logstash-filter-grok, lib/logstash/filters/grok.rb; jls-grok, lib/grok-pure.rb


def test_without_break_the_last_pattern_decides() -> None:
    """`groks.each { matched = execute(…); if matched … break if break_on_match }; matched`."""
    text = "grok { match => { 'm' => ['(?<a>a)', '(?<b>b)'] } break_on_match => false add_tag => ['ok'] }"
    assert run(text, m="ab") == {"m": "ab", "a": "a", "b": "b", "tags": ["ok"]}
    assert run(text, m="b") == {"m": "b", "b": "b", "tags": ["ok"]}
    assert run(text, m="a") == {"m": "a", "a": "a", "tags": ["_grokparsefailure"]}
    # Of an array: `success |= match_against_groks(…)`.
    assert run(text, m=["a", "b", "a"])["tags"] == ["ok"]


def test_kept_empty_captures_are_captures_like_others() -> None:
    """`handle`: an empty value returns `unless @keep_empty_captures`, and then goes the way of all values."""
    text = "grok { match => { 'm' => '(?<a>x*)(?<b>y)?%{DATA:n:int}$' } keep_empty_captures => true }"
    assert run(text, m="") == {"m": "", "a": "", "b": None, "n": 0}
    assert run(text, m="", a="old", b=["l"]) == {"m": "", "a": ["old", ""], "b": ["l", None], "n": 0}


@pytest.mark.parametrize("target", ["t", " t ", "[t]"])
def test_captures_go_below_the_target(target: str) -> None:
    """`@target = "[#{@target.strip}]" if @target !~ /\\A\\[.*?\\]\\z/`; `overwrite` names the capture."""
    text = f"grok {{ match => {{ 'm' => '%{{WORD:a}} %{{WORD:[b][c]}}' }} target => '{target}' overwrite => ['a'] }}"
    assert run(text, m="x y", t={"a": "old"}) == {"m": "x y", "t": {"a": "x", "b": {"c": "y"}}}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("%{WORD:my-field.x}", {"my-field.x": "word"}),
        # PATTERN_RE ends in `[^}]*\}`: what is no field name is passed over.
        ("%{WORD:my field}", {"my": "word"}),
        ("%{WORD:w:int:more}", {"w": 0}),
        ("%{WORD:w:text}", {"w": "word"}),
        ("%{MINE=[a-z]{2}}%{MINE:rest}", {"rest": "rd"}),
        # Onigmo's extended form: blanks mean nothing, and a comment ends with its line.
        ("(?x) (?<a> w ) # the first", {"a": "w"}),
    ],
)
def test_names_of_captures(pattern: str, expected: dict) -> None:
    assert run(f"grok {{ match => {{ 'm' => '{pattern}' }} }}", m="word") == {"m": "word", **expected}


# logstash-filter-translate, lib/logstash/filters/{single_value,array_of_values,array_of_maps_value}_update.rb


def test_translate_writes_into_objects_whatever_override_says() -> None:
    """ArrayOfMapsValueUpdate's test_for_inclusion is `event.include?(@iterate_on)` alone."""
    text = "translate { iterate_on => 'l' source => 'c' target => 't' dictionary => { '1' => 'one' } fallback => 'fb' }"
    assert run(text, l=[{"c": 1, "t": "old"}, {"c": "2"}, {"x": 1}, "text"])["l"] == [
        {"c": 1, "t": "one"},
        {"c": "2", "t": "fb"},
        {"x": 1},  # `next if inner.nil?`
        "text",
    ]


def test_translate_each_value() -> None:
    """`source = Array(val)`, `return target.any?`."""
    text = (
        "translate { iterate_on => 'l' source => 'l' target => 't' dictionary => { '1' => 'one' } add_tag => ['yes'] }"
    )
    assert run(text, l=[1, "2"]) == {"l": [1, "2"], "t": ["one", None], "tags": ["yes"]}
    assert run(text, l=None) == {"l": None, "t": []}
    assert run(text) == {}


def test_translate_of_parts_counts_when_something_changes() -> None:
    """`value = source.gsub(union, dictionary); … if source != value`."""
    options = "source => 'v' target => 't' exact => false fallback => 'fb' dictionary => { 'a' => 'a' 'b' => 'B' }"
    text = f"translate {{ {options} }}"
    assert run(text, v="xax")["t"] == "fb"
    assert run(text, v="abx")["t"] == "aBx"


# logstash-filter-fingerprint, lib/logstash/filters/fingerprint.rb


def test_punctuation_is_of_the_last_source_by_name() -> None:
    """`@source.sort.each { … event.set(@target, event.get(field).gsub(…)) }`, before any concatenation."""
    text = "fingerprint { method => 'PUNCTUATION' source => ['b', 'a'] target => 't' %s }"
    assert run(text % "", a="1,2", b="x!")["t"] == "!"
    assert run(text % "concatenate_sources => true", a="1,2", b="x!")["t"] == "!"
    with pytest.raises(PipelineCrash, match="gsub"):
        run(text % "", b=5)


@pytest.mark.parametrize(("number", "size"), [(5, 4), (-1, 4), (2**31 - 1, 4), (2**31, 8), (-(2**31) - 1, 8)])
def test_murmur3_128_of_small_integers_is_of_four_bytes(number: int, size: int) -> None:
    """`INTEGER_MIN_32BIT <= value <= INTEGER_MAX_32BIT ? int32_hash(value, 2) : int64_hash(value, 2)`."""
    found = run("fingerprint { method => 'MURMUR3_128' source => 'n' target => 't' }", n=number)
    assert found["t"] == murmur3_128(number.to_bytes(size, "little", signed=True), 2).hex()


def test_fields_are_concatenated_by_name() -> None:
    """`@source.sort.each { |k| to_string << "|#{k}|#{deep_sort_hashes(event.get(k))}" }`; nil is the empty text."""
    text = "fingerprint { method => 'SHA256' source => ['b', 'a', 'no'] concatenate_sources => true target => 't' }"
    expected = hashlib.sha256(b'|a|{"x"=>[1, nil], "y"=>1.5}|b|true|no||').hexdigest()
    assert run(text, a={"y": 1.5, "x": [1, None]}, b=True)["t"] == expected


# logstash-filter-clone, lib/logstash/filters/clone.rb; logstash-filter-split, lib/logstash/filters/split.rb


def test_a_clone_is_tagged_even_twice() -> None:
    """`tags = Array(event.get("tags")); tags << clone_type`."""
    pipeline = Pipeline.from_text("filter { clone { clones => ['c'] } }")
    assert [event["tags"] for event in pipeline.filter([{"tags": ["c"]}])] == [["c"], ["c", "c"]]
    assert pipeline.filter([{"tags": "x"}])[1]["tags"] == ["x", "c"]


def test_a_text_of_one_part_is_not_split() -> None:
    """`return if splits.length == 1 && original_value.is_a?(String)`, of `split(@terminator, -1)`."""
    assert run("split { field => 'v' terminator => ' ' add_tag => ['split'] }", v="  a") == {"v": "  a"}
    assert run("split { field => 'v' add_tag => ['split'] }", v="a\n") == {"v": "a", "tags": ["split"]}


# logstash-filter-json, lib/logstash/filters/json.rb


def test_json_of_false() -> None:
    """`source = event.get(@source); return unless source`; `if parsed_timestamp`."""
    assert run("json { source => 'v' add_tag => ['yes'] }", v=False) == {"v": False}
    found = run("json { source => 'v' }", v='{"@timestamp": false, "a": 1}')
    assert found == {"v": '{"@timestamp": false, "a": 1}', "a": 1}


# logstash-filter-date, src/main/java/org/logstash/filters/TextParserExecutor.java


def test_a_point_in_time_is_no_text_to_read() -> None:
    """`if (!(input instanceof String)) throw new IllegalArgumentException("Cannot parse date for value of type …")`."""
    found = run("date { match => ['@timestamp', 'ISO8601', 'UNIX'] target => 't' }")
    assert found == {"tags": ["_dateparsefailure"]}
