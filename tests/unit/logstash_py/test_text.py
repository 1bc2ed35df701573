"""JSON as it is read: how deep, and numbers of any size."""

import pytest

from logstash_py.text import MAX_DEPTH, load_json

NESTINGS = {
    "objects": ('{"":', "0", "}"),
    "objects with blanks": ('{ "": ', "0", "}  "),
    "arrays": ("[", "", "]"),
    "both": ('{"a":[', "", "]}"),
}


@pytest.mark.parametrize("encode", [str, str.encode], ids=["text", "bytes"])
@pytest.mark.parametrize("nesting", NESTINGS)
def test_json_may_be_so_deep_and_no_deeper(nesting: str, encode) -> None:
    before, inner, after = NESTINGS[nesting]
    times = MAX_DEPTH // (2 if nesting == "both" else 1)

    def nested(times: int):
        return encode(before * times + inner + after * times)

    load_json(nested(times))
    with pytest.raises(ValueError, match="nested deeper than 200 levels"):
        load_json(nested(times + 1))


@pytest.mark.parametrize("text", ["%d", '{"a": %d, "b": "x"}', '{"a": 1.5, "b": [%d]}', "[1, {}, %d]"])
def test_an_integer_of_any_size_stays_one(text: str) -> None:
    number = 12345678901234567890123
    assert str(number) in str(load_json(text % number))
