"""Cases recorded from Logstash 8.17.4: where we differ, we are wrong."""

from pathlib import Path

import pytest

from logstash_py import verify

CASES = verify.read_cases(Path(__file__).with_name("vectors.jsonl"))

# id → why it fails. An entry that passes is an error, so that none outlives its reason.
KNOWN_DIFFERENCES: dict[str, str] = {}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=case["id"],
            marks=[pytest.mark.xfail(reason=KNOWN_DIFFERENCES[case["id"]], strict=True)]
            if case["id"] in KNOWN_DIFFERENCES
            else [],
        )
        for case in CASES
    ],
)
def test_behaves_as_logstash(case: dict) -> None:
    difference = verify.run(case)
    assert difference is None, f"{case.get('note', '')}\n{case['config']}\n{difference}"
