"""What codecs make of bytes, and of events."""

import json

import pytest

from logstash_py import ConfigError, Pipeline

MULTI = 'multiline { pattern => "^\\s" what => "previous" %s }'


def codec(text: str, ecs: str = "v8"):
    (input_,) = Pipeline.from_text(f"input {{ stdin {{ codec => {text} }} }}", ecs=ecs).inputs
    return input_.codec


def read(text: str, *pieces: bytes, stream: bool = True, ecs: str = "v8") -> list[dict]:
    decoder = codec(text, ecs).decoder(stream=stream)
    return [event for piece in pieces for event in decoder.decode(piece)] + decoder.flush()


def messages(events: list[dict]) -> list[str]:
    return [event["message"] for event in events]


@pytest.mark.parametrize("name", ["plain", "line"])
def test_lines_of_a_stream_come_whole_however_they_are_cut(name: str) -> None:
    data = "one\ngrün\n\nlast".encode()
    for size in (1, 2, 3, 100):
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        assert messages(read(name, *pieces)) == ["one", "grün", "", "last"]


def test_with_ecs_the_text_is_kept_as_it_came() -> None:
    assert read("line", b"x\n") == [{"message": "x", "event": {"original": "x"}}]
    assert read("line", b"x\n", ecs="disabled") == [{"message": "x"}]
    assert read('line { ecs_compatibility => "disabled" }', b"x\n") == [{"message": "x"}]


def test_a_delimiter_may_be_cut_in_two() -> None:
    assert messages(read('line { delimiter => "||" }', b"a|", b"|b|c|", b"|")) == ["a", "b|c"]


def test_bytes_that_are_no_utf8_are_shown() -> None:
    assert messages(read("line", b'say "\xe4"\n')) == [r"say \"\xE4\""]
    assert messages(read('line { charset => "ISO-8859-1" }', b"gr\xfcn\n")) == ["grün"]


def test_plain_takes_each_piece_of_what_is_no_stream_as_one_text() -> None:
    assert messages(read("plain", b"a\nb", b"c", stream=False)) == ["a\nb", "c"]


@pytest.mark.parametrize("name", ["json", "json_lines"])
def test_json_of_a_stream_is_one_document_a_line(name: str) -> None:
    assert read(name, b'{"a":1}\n\n[{"b":2},{"c":', b"3}]\n") == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.parametrize("text", ["no json", "5", "[1]", '{"a":'])
def test_what_is_no_json_object_becomes_a_tagged_message(text: str) -> None:
    assert read("json", text.encode(), stream=False) == [{"message": text, "tags": ["_jsonparsefailure"]}]


def test_json_may_have_a_target() -> None:
    assert read('json { target => "[doc][x]" }', b'{"a":1}\n') == [{"doc": {"x": {"a": 1}}}]
    assert read('json { target => "doc" }', b"no\n")[0]["tags"] == ["_jsonparsefailure"]


def test_a_line_beyond_the_limit_is_an_error() -> None:
    with pytest.raises(ValueError, match="more than 10 bytes"):
        read("json_lines { decode_size_limit_bytes => 10 }", b"x" * 11)


def test_multiline_joins_what_belongs_to_the_previous_line() -> None:
    events = read(MULTI % "", b"Error\n  at a\n  at b\nnext\n")
    assert messages(events) == ["Error\n  at a\n  at b", "next"]
    assert [event.get("tags") for event in events] == [["multiline"], None]


def test_multiline_joins_to_the_next_line_and_may_be_negated() -> None:
    assert messages(read(r'multiline { pattern => "\\$" what => "next" }', b"a \\\nb\nc\n")) == ["a \\\nb", "c"]
    by_time = 'multiline { pattern => "^%{TIMESTAMP_ISO8601} " negate => true what => "previous" }'
    text = b"2025-02-02T12:00:00 one\nmore\n2025-02-02T12:00:01 two\n"
    assert messages(read(by_time, text)) == ["2025-02-02T12:00:00 one\nmore", "2025-02-02T12:00:01 two"]


def test_multiline_is_bounded_in_lines_and_bytes() -> None:
    events = read(MULTI % "max_lines => 2", b"a\n b\n c\n d\n")
    assert messages(events) == ["a\n b\n c", " d"]
    assert "multiline_codec_max_lines_reached" in events[0]["tags"]
    events = read(MULTI % 'max_bytes => "6 B" multiline_tag => ""', b"aaaa\n bb\n c\n")
    assert messages(events) == ["aaaa\n bb", " c"]
    assert events[0]["tags"] == ["multiline_codec_max_bytes_reached"]


@pytest.mark.parametrize(
    ("text", "at", "part"),
    [
        ('multiline { what => "next" }', "multiline", "Missing a required setting"),
        ('multiline { what => "next" pattern => "%{NOPE}" }', "pattern", "not defined"),
        ('multiline { what => "next" pattern => "(" }', "pattern", "unmatched parenthesis"),
        ('line { charset => "martian" }', "charset", "character encoding"),
        ('line { delimiter => "" }', "delimiter", "can't be empty"),
        ("rubydebug", "codec", "can't read events"),
    ],
)
def test_a_codec_that_cannot_be_is_told_with_its_place(text: str, at: str, part: str) -> None:
    config = f"input {{ stdin {{ codec => {text} }} }}"
    with pytest.raises(ConfigError, match=part) as caught:
        Pipeline.from_text(config)
    assert (caught.value.line, caught.value.column) == (1, config.index(at) + 1)


EVENT = {"@timestamp": "2025-02-02T12:34:56.123Z", "message": "grün", "host": "h", "@metadata": {"m": 1}, "l": [1]}


def write(text: str) -> str:
    pipeline = Pipeline.from_text(f"output {{ stdout {{ codec => {text} }} }}")
    (event,) = Pipeline.from_text("filter { }").filter([EVENT])
    return pipeline.outputs[0].codec.encode(event | {"@metadata": {"m": 1}}).decode()


def test_events_are_written_as_logstash_writes_them() -> None:
    assert write("plain") == "2025-02-02T12:34:56.123Z h grün"
    assert write('line { format => "%{message}: %{[l][0]}" }') == "grün: 1\n"
    assert json.loads(write("json")) == {k: v for k, v in EVENT.items() if k != "@metadata"} | {"@version": "1"}
    assert write("json_lines").endswith("}\n")
    assert write("rubydebug") == (
        "{\n"
        '    "@timestamp" => 2025-02-02T12:34:56.123Z,\n'
        '       "message" => "grün",\n'
        '          "host" => "h",\n'
        '             "l" => [\n'
        "        [0] 1\n"
        "    ],\n"
        '      "@version" => "1"\n'
        "}\n"
    )
    assert '"@metadata" => {' in write("rubydebug { metadata => true }")
