"""`check`: all errors of a file in the words of the language, and what will surprise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logstash_py import ConfigError
from logstash_py.check import Finding, check
from logstash_py.cli import main
from logstash_py.parser import parse
from tests.paths import DICTIONARIES, PIPELINE

VECTORS = [json.loads(line) for line in (Path(__file__).parent / "vectors.jsonl").read_text().splitlines()]

# A mistake, the column at which it is shown, and how it is told.
MISTAKES = [
    ('filter { mutate { add_tag ["a"] } }', 27, 'expected "=>" after the option add_tag, found ['),
    ('filter { mutate { add_tag = ["a"] } }', 27, 'expected "=>" after the option add_tag, found ='),
    ('filter { mutate { add_tag: ["a"] } }', 26, 'expected "=>" after the option add_tag, found :'),
    ('filter { mutate { add_tag => ["a"] }', 37, "the end of the file comes before the } of filter (line 1)"),
    ('filter { mutate { add_tag => ["a"] } } }', 40, "this } closes nothing"),
    ("filter { if [a] { drop {} } elsif [b] { } }", 29, "elsif is none of the language's words: write else if"),
    ('filter { if [a] = "x" { } }', 17, "= is none of the language's operators: write == to compare"),
    ("filter { if [a] && [b] { } }", 17, "&& is none of the language's operators: write and"),
    ("filter { if [a] || [b] { } }", 17, "|| is none of the language's operators: write or"),
    ("filter { if not [x] { } }", 13, "write ! before a field"),
    ('filter { if status == "x" { } }', 13, "a field in a condition stands in brackets: [status]"),
    ("filter { if [x] == true { } }", 20, 'or compare with the text "true"'),
    ("filter { if [x] == abc { } }", 20, 'abc must be quoted if it is a text ("abc"), in brackets'),
    ("filter { if ![a] == 1 { } }", 18, "write !([a] == 1) or [a] != 1"),
    ('filter { if [a] == "x" mutate { } }', 24, "expected {, an operator, and, or, xor or nand behind the condition"),
    ('filter { if [a] in ("a", "b") { } }', 20, 'a list stands in brackets: in ["a", "b"]'),
    ("filter { if [a] =~ /abc { } }", 20, "this regular expression is not closed"),
    ("filter { if [a] == { } }", 20, 'expected a text ("a"), a number, a field ([a]) or a list after =='),
    ("filter { if [a] and { } }", 21, "expected a condition after and"),
    ("filter { if ([a] == 1 { } }", 23, "expected ), and, or, xor or nand"),
    ("filter { if %{a} == 1 { } }", 13, "a field in a condition is written [name], not %{name}"),
    ('filter { mutate { add_tag => ["a", ] } }', 36, "no comma before the ] of an array"),
    ('filter { mutate { add_tag => ["a" "b"] } }', 35, "elements are separated by commas"),
    ('filter { mutate { add_field => { "a" => "b", "c" => "d" } } }', 44, "by blanks, not by commas"),
    ('filter { mutate { add_tag => "a", id => "b" } }', 33, "options are separated by blanks, not by commas"),
    ('filter { mutate { add_field => { "a => "b" } } }', 41, "The text that begins in line 1 goes on"),
    ('filter { mutate { add_field => { "a" => "b } } }', 41, 'this text is not closed: there is no " behind it'),
    ("filter { mutate { id => my-host } }", 25, 'this must be quoted, "my-host"'),
    ("filter { file { path => /var/log/x } }", 25, 'this must be quoted, "/var/log/x"'),
    ("filter { mutate { id => a } }", 25, 'this must be quoted, "a": a word without quotes'),
    ("filter { mutate { id => x.y } }", 25, 'this must be quoted, "x.y"'),
    ("filter { mutate { id => two words } }", 35, 'A text of several words is quoted: "two words"'),
    ("filter { drop }", 15, "expected { after drop, found }: each plugin has braces"),
    ('grok { match => { "a" => "b" } }', 1, "grok stands outside of any section: put it into filter { … }"),
    ("filters { drop { } }", 1, "filters is no section: write filter"),
    ('filter { mutate { add_field => { "a" = "b" } } }', 38, 'expected "=>" after the key "a", found ='),
    ('filter { mutate { add_field => ["a" => "b"] } }', 37, "a hash stands in braces, not in brackets"),
    ('filter { mutate { add_field => { [a][b] => "x" } } }', 34, "a field that is the key of a hash is quoted"),
    ('filter { grok { match => "message" => "x" } }', 36, 'a hash stands in braces: match => { "message" => … }'),
    ("filter { mutate { id => \u201cx\u201d } }", 25, "is a typographic quote"),
    ("filter { // a comment\n}", 10, "a comment begins with #"),
    ('filter { mutate { add_tag => ["a"]id => "x" } }', 35, "whitespace is missing before the option id"),
    ("filter { grok { if [x] { } } }", 20, "conditions stand around plugins, not in them"),
    ("filter { else { drop {} } }", 10, "this else follows no if"),
    ("filter { mutate { id => } }", 25, "the option id has no value"),
    ("", 1, "this file holds no section"),
    ("\ufefffilter { }", 1, "byte order mark"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "told"), MISTAKES, ids=[text.split("\n")[0] for text, _, _ in MISTAKES])
def test_a_mistake_is_told_in_the_words_of_the_language(text: str, column: int, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "pt.conf")
    assert told in caught.value.message
    assert (caught.value.stage, caught.value.line, caught.value.column) == ("syntax", 1, column)


def test_a_missing_brace_is_looked_for_where_it_belongs() -> None:
    with pytest.raises(ConfigError, match=r"grok is a plugin, but mutate \(line 2\) is still open here") as caught:
        parse('filter {\n  mutate { add_tag => ["a"]\n  grok { match => { "a" => "b" } }\n}\n', "pt.conf")
    assert (caught.value.line, caught.value.column) == (3, 3)
    with pytest.raises(ConfigError, match=r"The } in line 4 closes the { of line 2, though it is indented otherwise"):
        parse("filter {\n  if [a] {\n    drop { }\n}\noutput { stdout { } }\n", "pt.conf")


def found_in(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[Finding]:
    path = tmp_path / "pt.conf"
    path.write_text(text)
    return check([path], environ or {})


def test_all_errors_are_told_not_the_first_alone(tmp_path: Path) -> None:
    found = found_in(
        tmp_path,
        'input { beats { prot => 1 } }\n'
        'filter {\n'
        '  gork { }\n'
        '  grok { match => { "m" => "%{NOPE}" } overwrit => ["a"] }\n'
        "  date { match => [\"t\", \"yyyy-QQ\"] }\n"
        '  json { source => "a" skip_on_invalid_json => "maybe" }\n'
        "  if [a] =~ /(/ { stdout { } }\n"
        '  mutate { gsub => ["a", "(", ""] }\n'
        "}\n"
        "output { stdout { codec => rubydebug { metadat => true } } }\n",
    )  # fmt: skip
    assert [(f.position.line, f.position.column) for f in found if f.error] == [
        (1, 17), (3, 3), (4, 10), (4, 40), (5, 10), (6, 24), (7, 13), (7, 19), (8, 12), (10, 40),
    ]  # fmt: skip
    told = [f.message for f in found]
    assert "did you mean grok?" in told[1]
    assert "did you mean overwrite?" in told[3]
    assert "it stands in the section output" in told[7]


# What surprises, in a filter section; and the same written as it was meant, which no warning follows.
SURPRISES = [
    ('if [a] in ["x"] { }', "never true: brackets around one element", 'if [a] in ["x", "y"] { }'),
    ("if [a] not in [5] { }", "always true: brackets around one element", "if [a] not in [5, 6] { }"),
    ('if [a] == ["x", "y"] { }', "compares with the first element only", 'if [a] in ["x", "y"] { }'),
    ('if "a" in ["a", "b"] { }', "always false: a literal in a list of literals", 'if "a" in [b] { }'),
    ('if "a" { }', "always true: it holds no field; a field stands in brackets: [a]", "if [a] { }"),
    ('if 1 < "a" { }', "can't be compared: every event that comes here is dropped", "if [b] < 1 { }"),
    ("if [a] { } else if [a] { }", "never reached: line 1 has the same condition", "if [a] { } else if [b] { }"),
    (
        'if [a] { } else if [a] == "x" { }',
        "never reached: each event with this value",
        'if [a] { } else if [a] == "" { }',
    ),
    ("if 1 == 1 { } else { drop { } }", "never reached: the condition in line 1 is always true", None),
    ("drop { } mutate { }", "never reached: the drop in line 1", "drop { percentage => 50 } mutate { }"),
    (
        'mutate { convert => { "s" => "integer" } } if [s] =~ /^5/ { }',
        "never true: [s] is a number since line 1, and no number matches",
        'mutate { convert => { "s" => "string" } } if [s] =~ /^5/ { }',
    ),
    (
        'mutate { convert => { "s" => "integer" } } if [s] == "5" { }',
        'and 5 is not "5"',
        'mutate { convert => { "s" => "integer" } } if [s] == 5 { }',
    ),
    (
        'mutate { add_field => { "e" => "%{f}" } rename => { "f" => "g" } }',
        "mutate does rename before add_field",
        'mutate { add_field => { "e" => "%{f}" } } mutate { rename => { "f" => "g" } }',
    ),
    (
        'mutate { add_tag => ["a"] add_tag => ["b"] }',
        "add_tag is given in line 1 already",
        'mutate { add_tag => ["a", "b"] }',
    ),
    ('mutate { id => "a" id => "b" }', 'the two texts are put together, to "ab"', None),
    (
        r'mutate { split => { "a" => "\n" } }',
        r"\n: these are two characters",
        r'mutate { gsub => ["a", "\n", " "] }',
    ),
    (
        r'mutate { replace => { "a" => "\"x\"" } }',
        "the backslash stays in the value",
        'mutate { replace => { "a" => \'"x"\' } }',
    ),
    ('mutate { replace => { "a${V}" => "b" } }', "variables are not replaced in the keys", None),
    (
        'mutate { replace => { "a" => "%{[b}" } }',
        "is no reference to a field",
        'mutate { replace => { "a" => "%{[b]}" } }',
    ),
    (
        'mutate { replace => { "a" => "%{+yyyy.MM.DD}" } }',
        "D is the day of the year",
        'mutate { replace => { "a" => "%{+yyyy.DDD}" } }',
    ),
    (
        'mutate { replace => { "a" => "%{{YYYY}}" } }',
        "YYYY is the year of the week",
        'mutate { replace => { "a" => "%{+YYYY}" } }',
    ),
    ('date { match => ["t", "HH:MM"] }', "M is the month and m the minute", 'date { match => ["t", "HH:mm"] }'),
    ('date { match => ["t", "hh:mm"] }', "h goes to 12", 'date { match => ["t", "hh:mm a"] }'),
    ("grok { }", "grok without match", None),
    (
        'translate { source => "a" exact => false regex => true dictionary => { "a" => "b" } }',
        "has no effect: with exact => false",
        'translate { source => "a" regex => true dictionary => { "a" => "b" } }',
    ),
]


@pytest.mark.parametrize(("text", "told", "meant"), SURPRISES, ids=[text for text, _, _ in SURPRISES])
def test_a_surprise_is_told(tmp_path: Path, text: str, told: str, meant: str | None) -> None:
    assert any(told in finding.message for finding in found_in(tmp_path, f"filter {{ {text} }}", {"V": "v"}))
    if meant:
        # What is left after an arm that is always reached is told in any case.
        assert found_in(tmp_path, f"filter {{ {meant} }}") == []


def test_what_is_missing_here_only_is_a_warning(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.delenv("PT_NOPE", raising=False)
    path = tmp_path / "pt.conf"
    path.write_text(
        'filter { translate { source => "a" dictionary_path => "/nowhere/x.yml" } }\n'
        'output { elasticsearch { password => "${PT_NOPE}" } }\n'
    )
    assert main(["check", str(path)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{path}: ok, 2 warnings\n"
    assert "warning: there is no dictionary /nowhere/x.yml here" in err
    assert "`PT_NOPE` is not defined" in err
    assert main(["check", "--strict", str(path)]) == 1


def test_a_key_of_a_dictionary_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "codes.yml").write_text("404: Not Found\n'500': Error\n")
    [finding] = found_in(
        tmp_path, f'filter {{ translate {{ source => "a" dictionary_path => "{tmp_path}/codes.yml" }} }}'
    )
    assert 'the key 404 is no text and is never found: write "404"' in finding.message


def test_an_error_is_shown_with_its_line_and_a_caret(tmp_path: Path, capsys) -> None:
    path = tmp_path / "pt.conf"
    path.write_text("filter {\n\tgrokk { }\n}\n")
    assert main(["check", "--no-color", str(path)]) == 1
    out, err = capsys.readouterr()
    assert err.split("\n")[0].startswith(
        f"{path}:2:2: error: Couldn't find any filter plugin named 'grokk': did you mean grok?"
    )
    assert err.split("\n")[1:3] == ["    \tgrokk { }", "    \t^"]
    assert out == f"{path}: 1 error\n"


def test_our_own_pipeline_has_nothing_to_tell() -> None:
    environ = {"LOGSTASH_DICTIONARIES": str(DICTIONARIES), "LOGSTASH_WRITER_PASSWORD": "x"}
    assert check([PIPELINE], environ) == []


# Events at which the whole pipeline dies: no configuration shows them.
AT_RUN_TIME = {"cond-027", "filters-041"}


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["id"])
def test_what_logstash_refuses_is_an_error_and_nothing_else(tmp_path: Path, case: dict) -> None:
    for name, content in case.get("files", {}).items():
        (tmp_path / name).write_text(content)
    path = tmp_path / "case.conf"
    path.write_text(case["config"].replace("@DIR@", str(tmp_path)))
    found = check([path], case.get("env", {}), case.get("ecs", "v8"))
    if case["expected"]["ok"] or case["id"] in AT_RUN_TIME:
        assert [finding for finding in found if finding.error] == []
    else:
        assert found


PARTS = [
    "{", "}", "[", "]", "(", ")", "=>", "==", "=", ",", '"', "'", "/", "#", "!", "if", "else", "and", "not", "in", "x",
    "filter", "mutate", "[a]", '"t"', "1", "\n", " ", "%{x}", "é",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_text_breaks_the_parser(data: st.DataObject) -> None:
    """Our own pipeline with pieces taken out and put in: it parses, or the error has a place."""
    text = PIPELINE.read_text()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        taken = data.draw(st.integers(0, 20))
        text = text[:at] + "".join(data.draw(st.lists(st.sampled_from(PARTS), max_size=3))) + text[at + taken :]
    try:
        parse(text, "pt.conf")
    except ConfigError as error:
        assert error.stage == "syntax"
        assert 1 <= error.line <= text.count("\n") + 1
        assert error.column >= 1


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=30).map(" ".join) | st.text(max_size=60))
def test_no_nonsense_breaks_the_parser(text: str) -> None:
    try:
        parse(f"filter {{ {text}", "pt.conf")
    except ConfigError as error:
        assert error.stage == "syntax"
