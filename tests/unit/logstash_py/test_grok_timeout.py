"""A catastrophic pattern is bounded, and the events after it never notice."""

import time

import pytest

from logstash_py import Pipeline, analysis, regex

# The last but one `a` of an even number can be read in some fibonacci(n) ways.
CATASTROPHIC = r"\A(?<x>(?:a|aa)+)\z"
BAD = "a" * 100 + "!"


def pipeline(options: str, patterns: str = f'"{CATASTROPHIC}"') -> Pipeline:
    return Pipeline.from_text(
        f"""filter {{
          grok {{ match => {{ "message" => [{patterns}] }} add_tag => ["matched"] {options} }}
          mutate {{ add_field => {{ "after" => "yes" }} }}
        }}"""
    )


def test_bounded_tagged_kept_and_others_unaffected():
    one = pipeline("timeout_millis => 200")
    begun = time.monotonic()
    first, bad, last = one.filter([{"message": "aaa"}, {"message": BAD}, {"message": "aa"}])
    assert time.monotonic() - begun < 5
    assert bad["tags"] == ["_groktimeout"]
    assert bad["message"] == BAD
    assert bad["after"] == "yes"
    assert one.filters[0].metrics.failures == 1
    for event, text in ((first, "aaa"), (last, "aa")):
        assert (event["x"], event["tags"], event["after"]) == (text, ["matched"], "yes")


def test_own_tag():
    [event] = pipeline('timeout_millis => 50 tag_on_timeout => "slow"').filter([{"message": BAD}])
    assert event["tags"] == ["slow"]


def test_no_match_in_time_is_no_timeout():
    [event] = pipeline("timeout_millis => 200").filter([{"message": "b"}])
    assert event["tags"] == ["_grokparsefailure"]


def test_elements_of_an_array_are_bounded():
    [event] = pipeline("timeout_millis => 50").filter([{"message": ["b", BAD]}])
    assert event["tags"] == ["_groktimeout"]


@pytest.mark.parametrize("scope", ["pattern", "event"])
def test_scope(scope):
    """Each of two patterns that take 0.2 s each has 0.25 s of its own, but not both of an event's together."""

    def slow(text: str, left: float) -> None:
        if left < 0.2:
            raise TimeoutError
        time.sleep(0.2)

    one = pipeline(f'timeout_millis => 250 timeout_scope => "{scope}"', f'"{CATASTROPHIC}", "{CATASTROPHIC}b"')
    for compiled in one.filters[0].compiled[0][1]:
        compiled.bound = -1, slow
    one = one.filters[0].apply()
    event = {"message": "a"}
    one(event)
    assert event["tags"] == ["_groktimeout" if scope == "event" else "_grokparsefailure"]


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+$", r"(?:a|aa)+\z", r"(a|a)*b", r"(.*f){20}", r"(?:a?){30}a{30}", r"(\w+\s?)*$", r"(?:a*)*b", r"(x+x+)+y"],
)
def test_exponential_patterns_are_known(pattern):
    with pytest.raises(analysis.Exponential):
        analysis.exponent(regex.compile(pattern, dot_all=True).pattern)


@pytest.mark.parametrize(
    ("pattern", "exponent"),
    [
        (r"\A[^|]+\|[^|]*\|(?<rest>.*)\z", 1),
        (r"\A(?:[ \t][^\n]*\n)*end", 1),
        (r"\A\{(?>[^{}\"]+|\"(?>[^\"\\]+|\\.)*\")*\}\z", 1),
        (r"\A(?:a|b)*+c", 1),
        (r"a*b", 2),
        (r"\A.* .*", 2),
        (r"\A.* .* .*x", 4),
    ],
)
def test_exponent(pattern, exponent):
    """1: linear whatever the text, so that the search needs no limit."""
    assert analysis.exponent(regex.compile(pattern, dot_all=True).pattern) == exponent


def test_the_limited_search_finds_the_same():
    """Long texts go to another package: the same groups come back."""
    text = "2025-02-02 x=1 " + "word " * 100 + "end of it"
    compiled = regex.compile(
        r"(?<date>\d+-\d+-\d+) .*?x=(?<x>\d) (?<rest>(?:\w+ )+)(?m:.*)of (?<last>\w+)$", dot_all=True
    )
    _, search = regex.bound(compiled.pattern, 0.000_001)
    assert search(text, 10).groups() == compiled.pattern.search(text).groups()
