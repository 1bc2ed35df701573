"""The README says what the plugins say."""

from pathlib import Path

import pytest

import logstash_py
from logstash_py import ConfigError, Pipeline
from logstash_py.plugin import KINDS, find, names
from logstash_py.support import table


def test_the_readme_has_the_table_that_the_plugins_make() -> None:
    readme = (Path(logstash_py.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert table() in readme, "put what `python -m logstash_py.support` prints into infra/logstash_py/README.md"


@pytest.mark.parametrize("kind", KINDS)
def test_no_option_is_carried_out_and_refused(kind: str) -> None:
    for name in names(kind):
        factory = find(kind, name)
        assert factory.name == name
        assert not factory.refused.keys() & (factory.options | factory.common).keys(), name


@pytest.mark.parametrize(
    ("kind", "name", "required"),
    [
        ("input", "generator", "count => 1"), ("input", "stdin", ""), ("input", "udp", "port => 1"),
        ("input", "tcp", "port => 1"), ("input", "beats", "port => 1"), ("input", "file", 'path => "/x"'),
    ],
)  # fmt: skip
def test_each_input_takes_the_common_options(kind: str, name: str, required: str) -> None:
    common = 'id => "x" type => "t" tags => ["a"] add_field => { "f" => "v" } enable_metric => false codec => json'
    text = f'{kind} {{ {name} {{ {required} {common} ecs_compatibility => "v1" }} }}'
    assert Pipeline.from_text(text).inputs[0].id == "x"
    with pytest.raises(ConfigError, match="ECS v9"):
        Pipeline.from_text(text.replace("v1", "v9"))


@pytest.mark.parametrize("name", [name for name in names("filter") if name not in ("grok", "translate")])
def test_each_filter_takes_the_common_options(name: str) -> None:
    required = {"clone": 'clones => ["c"]', "dissect": "mapping => { }", "truncate": "length_bytes => 9"}.get(name, "")
    if name in ("date", "json"):
        required = 'match => ["m", "ISO8601"]' if name == "date" else 'source => "m"'
    common = (
        'id => "x" add_field => { "f" => "v" } remove_field => ["g"] add_tag => ["a"] remove_tag => ["b"] '
        'enable_metric => true periodic_flush => false ecs_compatibility => "disabled"'
    )
    assert Pipeline.from_text(f"filter {{ {name} {{ {required} {common} }} }}").filters[0].id == "x"
