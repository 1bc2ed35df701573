"""Colour, where the output is a terminal."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TextIO

_CODES = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36, "grey": 90, "bold": 1}


class Paint:
    """`paint("text", "red", "bold")`: the text in these, or as it is when colour is off."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, *styles: str) -> str:
        if not self.on or not styles or not text:
            return text
        return f"\x1b[{';'.join(str(_CODES[style]) for style in styles)}m{text}\x1b[0m"


def add_color_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--color", action=argparse.BooleanOptionalAction, help="colour (default: on a terminal, unless NO_COLOR is set)"
    )


def paint_for(wanted: bool | None, stream: TextIO | None = None) -> Paint:
    """`wanted` is what the option says; without it a terminal has colour (no-color.org)."""
    if wanted is None:
        wanted = (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR")
    return Paint(wanted)
