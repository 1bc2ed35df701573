"""Ruby's patterns in Python's `re`."""

import pytest
import regex as regex_package

from logstash_py import regex

TEXTS = ["abc", "abbbc", "ababbc", "abaaac", "xabc", "ab, client: x, server: y", "a, b", '{"a": "\\"}"}']


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:a(?!b))?+(a?b*)c", r"(?:[^,\n]++|,(?! client: ))*+, client", r"(?:a|ab)++b", r"(?:a++b|a)*+c",
        r"(?:(?:ab?)++a)?+(a?b*)c", r'\{[^{}"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^{}"]*+)*+\}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", TEXTS)
def test_possessive_groups_match_on_every_python(pattern: str, text: str) -> None:
    """Python's own before 3.11.5 kept what a round that failed had taken."""
    found, expected = regex.compile(pattern).pattern.search(text), regex_package.search(pattern, text)
    assert (found and found.span()) == (expected and expected.span())
