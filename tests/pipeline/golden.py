"""The golden cases: cases/suite.yml names their pipeline; the format is logstash_py's own."""

from pathlib import Path

from logstash_py import tester

CASES = Path(__file__).parent / "cases"


def load_cases() -> list[tester.Case]:
    return tester.load(CASES).cases
