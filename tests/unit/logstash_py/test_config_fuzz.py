"""Any text is a configuration or an error with a place, never anything else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from logstash_py.errors import ConfigError
from logstash_py.parser import parse
from logstash_py.pipeline import Pipeline

VOCABULARY = r"""
input filter output if else and or nand xor not in == != =~ !~ < >= => { } ( ) [ ] , ! "x" 'y' "%{a}" "${V}" "${W:1}"
/re/ /(/ [a] [a][b] [@metadata][x] mutate grok kv dissect csv drop stdin beats generator stdout json_lines port lines
match rename 1 -1.5 1e5 # \ message => pattern codec plain ☃
"""
WORDS = st.sampled_from([*VOCABULARY.split(), "\n", "\0"])
TEXTS = st.one_of(
    st.lists(WORDS, max_size=30).map(" ".join),
    st.text(max_size=60),
    st.tuples(st.sampled_from(["filter {", "input { stdin { ", "output { if "]), st.text(max_size=40)).map("".join),
)


@given(TEXTS)
@settings(deadline=None)
def test_any_text_parses_or_is_refused_with_a_place(text: str) -> None:
    try:
        parse(text, "x.conf")
    except ConfigError as error:
        lines = text.split("\n")
        assert error.stage == "syntax"
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert str(error).startswith(f"x.conf:{error.line}:{error.column}: ")


VALUES = st.recursive(
    st.sampled_from(
        ['"a"', '"%{a"', '"[a"', "bare", "5", "-1", "true", '""', '"("', '"[a][b]"', '"${NOPE}"', '"1 MiB"']
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(inner, inner), max_size=2).map(
            lambda pairs: "{ " + " ".join(f"{key} => {value}" for key, value in pairs) + " }"
        ),
    ),
    max_leaves=4,
)
PLUGINS = st.sampled_from(
    [(kind, name) for kind in ("input", "filter", "output") for name in __import__("logstash_py").plugin.names(kind)]
)


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_any_value_of_any_option_is_taken_or_refused_with_a_place(data: st.DataObject) -> None:
    from logstash_py import plugin

    kind, name = data.draw(PLUGINS)
    factory = plugin.find(kind, name)
    option = data.draw(st.sampled_from(sorted(factory.options | factory.common)))
    text = f"{kind} {{\n  {name} {{ {option} => {data.draw(VALUES)} }}\n}}"
    try:
        Pipeline.from_text(text, {})
    except ConfigError as error:
        assert 1 <= error.line <= 3, text
