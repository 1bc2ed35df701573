"""What conditions make of patterns that stand for a few texts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstash_py import Pipeline, analysis, regex

PATTERNS = [
    r"\A(?:django|celery|celerybeat|nginx)\z",
    r"\A\{",
    r"\}\z",
    r"\A",
    r"\z",
    r"\Aab?[cd]\z",
    r"\A[45]",
    r"ab",
    r"",
    r"(?:a|b)\z",
    r"\Aa?",
    r"a?\z",
    r"\A\z",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text("abcd{}45\n", max_size=5) | st.sampled_from(["django", "celery", "celerybeat", "nginx", "xnginx"]))
def test_same_as_the_search(pattern, text):
    if pattern not in _pipelines:
        _pipelines[pattern] = Pipeline.from_text(
            f'filter {{ if [m] =~ /{pattern}/ {{ mutate {{ add_field => {{ "found" => "1" }} }} }} }}'
        )
    [event] = _pipelines[pattern].filter([{"m": text}])
    assert ("found" in event) == (regex.compile(pattern).pattern.search(text) is not None)


_pipelines: dict[str, Pipeline] = {}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_search_is_needed(pattern):
    assert analysis.texts(regex.compile(pattern).pattern) is not None


@pytest.mark.parametrize(
    "pattern", [r"^a", r"a$", r"a.", r"\d", r"(?i)a", r"(?i:a)", r"a*", r"[^a]", r"a(?=b)", r"\ba"]
)
def test_a_search_is_needed(pattern):
    compiled = regex.compile(pattern).pattern
    assert analysis.texts(compiled) is None
    assert isinstance(compiled, re.Pattern)
