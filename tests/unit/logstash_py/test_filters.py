"""Filters at the edges that the recorded cases don't reach: behaviour by the plugins' own sources."""

from __future__ import annotations

import time

import pytest

from logstash_py import ConfigError, Pipeline
from logstash_py.errors import PipelineCrash

ALWAYS = {"@version", "@timestamp", "message"}


def run(text: str, *data: dict, **options: str) -> list[dict]:
    return Pipeline.from_text(f"filter {{ {text} }}", **options).filter(data)


def fields(text: str, message: object, **more: object) -> dict:
    (event,) = run(text, {"message": message, **more})
    return {key: value for key, value in event.items() if key not in ALWAYS}


# kv


@pytest.mark.parametrize(
    ("options", "message", "expected"),
    [
        ("", r"a=\ b c=d", {"a": r"\ b", "c": "d"}),
        ("", r"a\=b=c", {r"a\=b": "c"}),
        ("", 'a="x"y b=1', {"a": '"x"y', "b": "1"}),
        ("", 'a="" b=1', {"b": "1"}),
        ("allow_empty_values => true whitespace => strict", 'a="" b= c=1', {"a": "", "b": "", "c": "1"}),
        ("", 'a="x y', {"a": '"x'}),
        ("", "a=1\nb=2", {"a": "1\nb=2"}),
        ('field_split => "\n "', "a=1\nb=2 c=3", {"a": "1", "b": "2", "c": "3"}),
        ('field_split => "&" ', "a b = c d&e=f", {"a b ": "c d", "e": "f"}),
        ('trim_key => "<>" trim_value => "<>,"', "<a>=,x>, b=y", {"a": "x", "b": "y"}),
        (r'remove_char_key => "\[\]" remove_char_value => "\-,"', "[a]=1,2-3", {"a": "123"}),
        ('transform_key => "uppercase" transform_value => "capitalize"', "ab=cD", {"AB": "Cd"}),
        ('prefix => "%{message}_"', "a=1", {"a=1_a": "1"}),
        ('include_keys => ["b"] prefix => "p_"', "a=1 b=2", {"p_b": "2"}),
        ('exclude_keys => ["%{no}", "a"]', "a=1 b=2", {"b": "2"}),
        # A default is a value as it stands, and gives way to what was found.
        ('default_keys => { "a" => "%{message}" "b" => "0" }', "b=2", {"a": "%{message}", "b": "2"}),
        ('default_keys => { "a" => "1" }', "nothing", {"a": "1"}),
        # In Ruby the text 12 includes 1.
        ("allow_duplicate_values => false", "a=12 a=1 a=3 a=3", {"a": ["12", "3"]}),
        (
            'recursive => true value_split => ":" field_split => ","',
            "a:[b:1,c:2],d:3",
            {"a": {"b": "1", "c": "2"}, "d": "3"},
        ),
        ('field_split_pattern => ":+"', "k1=v1:k2=v2::k3=v3", {"k1": "v1", "k2": "v2", "k3": "v3"}),
        (r'field_split_pattern => "(\+|;)+"', "k1=v1++k2=v2;k3=v3", {"k1": "v1", "k2": "v2", "k3": "v3"}),
        ("include_brackets => false", "a=(x) b=[y]", {"a": "(x)", "b": "[y]"}),
        ("", "[a]=1", {}),
    ],
)
def test_kv(options: str, message: str, expected: dict) -> None:
    found = fields(f"kv {{ {options} }}", message)
    if message == "[a]=1":
        # A key that is a field reference is one.
        expected = {"a": "1"}
    assert found == expected


def test_kv_writes_over_its_target_and_takes_lists() -> None:
    assert fields('kv { target => "t" }', "a=1", t={"old": 1}) == {"t": {"a": "1"}}
    assert fields('kv { source => "l" target => "t" }', "", l=["a=1", 5, "a=2"])["t"] == {"a": ["1", "2"]}
    assert fields('kv { source => "n" add_tag => ["yes"] }', "", n=5) == {"n": 5}


def test_kv_tags_what_it_cannot_set() -> None:
    assert fields("kv { }", "a[=1")["tags"] == ["_kv_filter_error"]
    assert fields('kv { tag_on_failure => ["x", "y"] }', "@timestamp=1")["tags"] == ["x", "y"]


def test_kv_gives_up_in_time() -> None:
    begun = time.monotonic()
    found = fields("kv { timeout_millis => 200 }", 'a="' + "\\" * 200)
    assert found == {"tags": ["_kv_filter_timeout"]} or found == {"a": '"' + "\\" * 200}
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("name", ["value_split", "value_split_pattern", "field_split_pattern"])
def test_kv_refuses_empty_separators(name: str) -> None:
    with pytest.raises(ConfigError, match="must be a non-empty string"):
        run(f'kv {{ {name} => "" }}')


# dissect


@pytest.mark.parametrize(
    ("mapping", "message", "expected"),
    [
        ("%{a} %{b} %{c}", "foo bar   baz", {"a": "foo", "b": "bar", "c": "  baz"}),
        ("%{a} %{b}%{c} %{d}", "foo bar baz", {"a": "foo", "b": "", "c": "bar", "d": "baz"}),
        ("%{+a} %{a} %{+a} %{b}", "December 31 1999 quux", {"a": "31 December 1999", "b": "quux"}),
        ("%{+a/2} %{+a/4} %{+a/1} %{+a/3}", "bar quux foo baz", {"a": "foo bar baz quux"}),
        ("%{a} %{b} %{+a}", "foo bar baz quux", {"a": "foo baz quux", "b": "bar"}),
        ("%{k1}=%{&k1}, %{k2}=%{&k2}", "foo=bar, baz=quux", {"k1": "foo", "k2": "baz", "foo": "bar", "baz": "quux"}),
        ("%{?k1}=%{&k3}", "foo=bar", {}),
        ("%{id->} %{function} %{server}", "43    View m-3", {"id": "43", "function": "View", "server": "m-3"}),
        ("/var/%{key}/log/%{key1}.log", "/var/foo/log/apache.log", {"key": "foo", "key1": "apache"}),
        ("%{name},%{a1},%{a2},%{zip}", "Jane,4321,,87432", {"name": "Jane", "a1": "4321", "a2": "", "zip": "87432"}),
        ("%{a} » %{b}»%{c}€%{d}", "foo » bar»baz€quux", {"a": "foo", "b": "bar", "c": "baz", "d": "quux"}),
        # What begins with the delimiter leaves all to the last field.
        ("%{a}|%{b}|%{c}", "|x|y", {"a": "", "b": "", "c": "|x|y"}),
        ("%{[x][y]} %{z}", "1 2", {"x": {"y": "1"}, "z": "2"}),
        ("%{a} %{b->} ZZZ", "1 2 ZZZ", {"a": "1", "b": "2"}),
    ],
)
def test_dissect(mapping: str, message: str, expected: dict) -> None:
    assert fields(f'dissect {{ mapping => {{ "message" => "{mapping}" }} }}', message) == expected


@pytest.mark.parametrize(
    ("mapping", "message"),
    [("[%{a}] %{b}", "x [y] z"), ("%{a} - %{b}", "no dash"), ("%{a}.log", "a.txt"), ("%{a}", "")],
)
def test_dissect_tags_what_does_not_fit(mapping: str, message: str) -> None:
    text = f'dissect {{ mapping => {{ "message" => "{mapping}" }} add_tag => ["yes"] }}'
    assert fields(text, message) == {"tags": ["_dissectfailure"]}


def test_dissect_appends_to_and_is_named_by_what_the_event_has() -> None:
    assert fields('dissect { mapping => { "message" => "%{+a}-%{&k}" } }', "1-2", a="0", k="name") == {
        "a": "0 1",
        "k": "name",
        "name": "2",
    }


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("42", "int", 42), ("1.9", "int", 1), ("1e3", "int", 1000), ("-0.5", "float", -0.5), ("5", "float", 5),
        ("99999999999999999999", "int", 99999999999999999999), ("2.50", "FLOAT", 2.5),
    ],
)  # fmt: skip
def test_dissect_converts(value: str, kind: str, expected: object) -> None:
    text = f'dissect {{ mapping => {{ "message" => "%{{a}}" }} convert_datatype => {{ "a" => "{kind}" }} }}'
    found = fields(text, value)
    assert found == {"a": expected}
    assert type(found["a"]) is type(expected)


@pytest.mark.parametrize("value", ["abc", "1_000", " 1", "0x1f", "NaN", "1e999999999"])
def test_dissect_tags_what_is_no_number(value: str) -> None:
    text = 'dissect { mapping => { "message" => "%{a}" } convert_datatype => { "a" => "int" "no" => "float" } }'
    tags = ["_dataconversionuncoercible_a_int", "_dataconversionnullvalue_no_float"]
    assert fields(text, value) == {"a": value, "tags": tags}


@pytest.mark.parametrize("mapping", ["no field", "%{+&a}", "%{&+a}", "%{+}", "%{&}"])
def test_dissect_refuses_what_is_no_mapping(mapping: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run(f'dissect {{ mapping => {{ "message" => "{mapping}" }} }}')
    assert caught.value.stage == "register"


# csv


@pytest.mark.parametrize(
    ("options", "message", "expected"),
    [
        ("", 'a,,"",b', {"column1": "a", "column2": None, "column3": "", "column4": "b"}),
        ("", 'a,"b ""c"", d"', {"column1": "a", "column2": 'b "c", d'}),
        ("", '"x\ny",2\nnext,3', {"column1": "x\ny", "column2": "2"}),
        ("", "1,2\r\n", {"column1": "1", "column2": "2"}),
        ('separator => "||"', "a||b", {"column1": "a", "column2": "b"}),
        ('quote_char => "\'"', "'a,b',c", {"column1": "a,b", "column2": "c"}),
        (r'quote_char => "\x00"', 'big,"sesame" street', {"column1": "big", "column2": '"sesame" street'}),
        ('columns => ["a"] autogenerate_column_names => false', "1,2", {"a": "1"}),
        ('columns => ["a"] target => "[t][u]"', "1,2", {"t": {"u": {"a": "1", "column2": "2"}}}),
        ('columns => ["a", "b"] skip_empty_columns => true', ',""', {}),
        ("skip_empty_rows => true", "", {"tags": ["_csvskippedemptyfield"]}),
        ('skip_empty_rows => true add_tag => ["yes"]', "\n", {"tags": ["_csvskippedemptyfield"]}),
        ("", "", {"tags": ["_csvparsefailure"]}),
        ("", 'a "b" c', {"tags": ["_csvparsefailure"]}),
        ("", '"a" b', {"tags": ["_csvparsefailure"]}),
        ("", '"open', {"tags": ["_csvparsefailure"]}),
        ("", 5, {"tags": ["_csvparsefailure"]}),
    ],
)
def test_csv(options: str, message: object, expected: dict) -> None:
    assert fields(f"csv {{ {options} }}", message) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("integer", "12", 12), ("integer", "0x1f", 31), ("integer", "017", 15), ("integer", "1_000", 1000),
        ("integer", "1.5", "1.5"), ("integer", "1__0", "1__0"), ("integer", "", None),
        ("float", "1.5", 1.5), ("float", "1e3", 1000.0), ("float", "x", "x"), ("float", "5", 5.0),
        ("float", "e5", "e5"),
        ("boolean", " TRUE ", True), ("boolean", "false", False), ("boolean", " Perhaps ", "perhaps"),
        ("date", "2017-06-01", "2017-06-01T00:00:00.000Z"), ("date", "Feb 3 2001", "2001-02-03T00:00:00.000Z"),
        ("date", "tomorrow", "tomorrow"), ("date", "2017-13-01", "2017-13-01"),
        ("date_time", "2001-02-03 04:05:06", "2001-02-03T04:05:06.000Z"),
        ("date_time", "2001-02-03T04:05:06+07:00", "2001-02-02T21:05:06.000Z"),
    ],
)  # fmt: skip
def test_csv_converts(kind: str, text: str, expected: object) -> None:
    found = fields(f'csv {{ columns => ["a"] convert => {{ "a" => "{kind}" }} }}', f"{text},x")
    assert found.get("a") == expected
    assert type(found.get("a")) is type(expected) or kind.startswith("date")


def test_csv_takes_its_names_from_the_first_line_and_drops_headers() -> None:
    data = [{"message": "a,b"}, {"message": "1,2,3"}, {"message": "a,b"}]
    first, second = run("csv { autodetect_column_names => true }", *data)
    assert (first["a"], first["b"], first["column3"]) == ("1", "2", "3")
    assert second["a"] == "a"
    (only,) = run("csv { autodetect_column_names => true skip_header => true }", *data)
    assert only["a"] == "1"


# prune, truncate, urldecode, split, syslog_pri


def test_prune_keeps_and_removes_by_names_and_values() -> None:
    event = {"keep": "x", "gone": "y", "l": ["GET", "HEAD", "PUT"], "%{no}": 1}
    assert fields('prune { blacklist_names => ["^go"] }', "", **event) == {
        key: value for key, value in event.items() if key != "gone"
    }
    assert fields("prune { }", "", **event) == {key: value for key, value in event.items() if key != "%{no}"}
    found = fields('prune { whitelist_values => { "l" => "^(GET|PUT)$" "keep" => "z" } }', "", **event)
    assert (found["l"], "keep" in found) == (["GET", "PUT"], False)
    assert "l" not in fields('prune { blacklist_values => { "l" => "." } }', "", **event)


def test_prune_may_take_names_and_patterns_from_the_event() -> None:
    text = 'prune { interpolate => true blacklist_names => ["^%{which}$"] blacklist_values => { "%{f}" => "%{v}" } }'
    assert fields(text, "", which="a", a=1, b="bad", f="b", v="^b") == {"which": "a", "f": "b", "v": "^b"}


def test_prune_of_a_number_kills_the_pipeline_as_in_logstash() -> None:
    with pytest.raises(PipelineCrash, match="match"):
        run('prune { whitelist_values => { "n" => "5" } }', {"n": 5})


def test_truncate_cuts_all_fields_and_only_texts() -> None:
    found = fields("truncate { length_bytes => 2 }", "message", o={"k": "abc", "l": ["abc", {"x": "abc"}]}, n=12345)
    assert found == {"o": {"k": "ab", "l": ["ab", {"x": "abc"}]}, "n": 12345}
    assert fields('truncate { fields => ["[o]"] length_bytes => 1 }', "", o={"k": "grün"}) == {"o": {"k": "g"}}


def test_urldecode_in_another_encoding_and_of_what_is_no_utf8() -> None:
    assert fields('urldecode { field => "q" charset => "ISO-8859-1" }', "", q="gr%FCn") == {"q": "grün"}
    assert fields('urldecode { field => "q" }', "", q='a"%E4') == {"q": r"a\"\xE4"}
    assert fields('urldecode { field => "q" }', "", q="%C3%BC+ü") == {"q": "ü+ü"}


def test_split_gives_an_event_for_each_part() -> None:
    assert [e["message"] for e in run('split { terminator => "," }', {"message": "a,,b,"})] == ["a", "b"]
    (event,) = run('split { add_tag => ["yes"] }', {"message": 5})
    assert event["tags"] == ["_split_type_failure"]
    events = run('split { field => "[a][b]" target => "x" }', {"a": {"b": [1, None, "", {"k": 1}]}})
    assert [event["x"] for event in events] == [1, {"k": 1}]
