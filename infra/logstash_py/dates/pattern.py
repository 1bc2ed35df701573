"""The letters of a date pattern, cut into tokens: the syntax that Joda-Time and java.time share."""

from __future__ import annotations


def tokenize(pattern: str) -> list[tuple[str, int]]:
    """[(letter, count)] for runs of letters; ("'", -1) never appears: quoted and other text is (text, 0).

    Raises ValueError for an unterminated quote.
    """
    tokens: list[tuple[str, int]] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char.isascii() and char.isalpha():
            end = position
            while end < len(pattern) and pattern[end] == char:
                end += 1
            tokens.append((char, end - position))
            position = end
            continue
        if char == "'":
            if pattern[position : position + 2] == "''":
                text, position = "'", position + 2
            else:
                text, position = _quoted(pattern, position + 1)
        else:
            text, position = char, position + 1
        if tokens and tokens[-1][1] == 0:
            text = tokens.pop()[0] + text
        tokens.append((text, 0))
    return tokens


def _quoted(pattern: str, position: int) -> tuple[str, int]:
    text = ""
    while position < len(pattern):
        if pattern[position] != "'":
            text += pattern[position]
            position += 1
        elif pattern[position : position + 2] == "''":
            text += "'"
            position += 2
        else:
            return text, position + 1
    raise ValueError(f"Unterminated quote in pattern: {pattern}")
