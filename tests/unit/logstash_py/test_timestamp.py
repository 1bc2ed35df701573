"""Times as texts."""

from datetime import datetime
from itertools import product

from logstash_py.timestamp import is_second


def test_a_second_is_known_on_every_day_that_there_is() -> None:
    """What is not known takes the long way, which made the last days of a month dearer by a fifth."""
    for year, month, day in product((1900, 2000, 2024, 2025), range(14), range(33)):
        text = f"{year}-{month:02}-{day:02}T23:59:59"
        assert is_second(text) == _exists(text), text


def test_what_is_no_second() -> None:
    for text in ("2025-01-29 12:34:56", "2025-01-29T24:00:00", "2025-01-29T12:60:00", "2025-1-29T12:34:56", "", "x"):
        assert not is_second(text), text


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
