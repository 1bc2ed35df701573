"""A broken configuration is told with its file, line and column before anything starts."""

from pathlib import Path

import pytest

from logstash_py import ConfigError, Pipeline
from logstash_py.settings import SettingsError, read


def fail(text: str, **environ: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Pipeline.from_text(text, environ, path="pt.conf")
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "column", "part"),
    [
        ("filter {\n  mutate { add_tag ['a'] }\n}", 2, 20, 'expected "=>"'),
        ("filter {\n  grokk { }\n}", 2, 3, "filter plugin named 'grokk'"),
        ("input { kafka { } }", 1, 9, "input plugin named 'kafka'"),
        ("output {\n\n  if [a] { s3 { } }\n}", 3, 12, "output plugin named 's3'"),
        ('filter {\n  grok {\n    pattern => "x"\n  }\n}', 3, 5, "Unknown setting 'pattern' for grok"),
        (
            'output { elasticsearch { data_stream => "true"\n index => "x" } }',
            2,
            2,
            "Invalid data stream configuration: ['index']",
        ),
        ("output { stdout { codec => cbor } }", 1, 19, "codec plugin named 'cbor'"),
        ('filter { json { source => "m" skip_on_invalid_json => "perhaps" } }', 1, 31, "must be a boolean"),
        ('filter { grok { match => { "m" => "%{NOPE}" } } }', 1, 17, "pattern %{NOPE} not defined"),
        ('filter { mutate { replace => { "a" => "${PT_NOPE}" } } }', 1, 39, "PT_NOPE"),
        ("filter { if [a] == 1 and { } }", 1, 26, "syntax error"),
        ("input { beats { port => 1 ssl_enabled => true } }", 1, 27, "ssl_certificate is required"),
        ("filter { mutate { add_tag => ['a'] }", 1, 37, "the end of the file"),
        ('input { beats { id => "x" port => 1 } } filter { drop { id => "x" } }', 1, 57, "Two plugins have the id 'x'"),
    ],
)
def test_the_place_is_named(text: str, line: int, column: int, part: str) -> None:
    error = fail(text)
    assert part in error.message
    assert (error.path, error.line, error.column) == ("pt.conf", line, column)


def test_the_line_is_shown_with_a_caret() -> None:
    shown = str(fail("filter {\n\tgrokk { }\n}")).split("\n")
    assert shown[0].startswith("pt.conf:2:2: ")
    assert shown[1:] == ["    \tgrokk { }", "    \t^"]


def test_files_of_a_folder_run_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "20.conf").write_text('filter { mutate { update => { "seq" => "%{seq}2" } } }')
    (tmp_path / "10.conf").write_text('filter { mutate { add_field => { "seq" => "1" } } }')
    (tmp_path / "notes.txt").write_text("no pipeline")
    (event,) = Pipeline.from_files(tmp_path).filter([{}])
    assert event["seq"] == "12"


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no \*\.conf file"):
        Pipeline.from_files(tmp_path)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("pipeline.batch.sise: 5", "unknown setting pipeline.batch.sise"),
        ("pipeline: {batch: {size: none}}", "pipeline.batch.size"),
        ("log.level: loud", "log.level"),
        ("- a", "name: value"),
        ("path.data: ${PT_NOPE}", "PT_NOPE"),
    ],
)
def test_settings_that_do_not_exist_are_errors(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "logstash.yml").write_text(text)
    with pytest.raises(SettingsError, match=part):
        read(tmp_path, {})


def test_settings_are_read_nested_or_flat(tmp_path: Path) -> None:
    (tmp_path / "logstash.yml").write_text(
        "pipeline: {batch: {size: 7}}\npipeline.batch.delay: 3\npath.data: ${D:/x}\n"
    )
    settings = read(tmp_path, {})
    assert (settings.batch_size, settings.batch_delay, str(settings.path_data)) == (7, 3, "/x")
