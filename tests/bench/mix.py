"""What Filebeat sends for the lines of mix.yml: Beats events as JSON, and windows of them as Lumberjack frames."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

import orjson
import yaml

# Filebeat's bulk_max_size and compression_level.
WINDOW = 2048
COMPRESSION = 3

START = datetime(2025, 2, 2, 12, 34, 56, tzinfo=UTC)


def events(seed: int = 1, start: datetime = START, rate: float = 300) -> Iterator[bytes]:
    """Events without end, the same ones for a seed; `rate` lines a second by their own times, from `start` (UTC)."""
    kinds = yaml.safe_load(Path(__file__).with_name("mix.yml").read_text(encoding="utf-8"))
    templates = [(Template(kind["line"]), kind["from"]) for kind in kinds]
    chance = random.Random(seed)  # noqa: S311 no secret
    shares = [kind["share"] for kind in kinds]
    number = 0
    while True:
        for template, origin in chance.choices(templates, shares, k=WINDOW):
            number += 1
            moment = start + timedelta(seconds=number / rate)
            request, task = f"{chance.getrandbits(128):032x}", f"{chance.getrandbits(128):032x}"
            line = template.substitute(
                time=moment.isoformat(timespec="milliseconds")[:23],
                epoch=f"{moment.timestamp():.3f}",
                n=number,
                request=request,
                task=f"{task[:8]}-{task[8:12]}-{task[12:16]}-{task[16:20]}-{task[20:]}",
            )
            yield orjson.dumps(_shipped(line, origin, number, moment))


def _shipped(line: str, origin: dict[str, str], number: int, moment: datetime) -> dict:
    """The event as filebeat.template.yml has Filebeat 8.17 write it."""
    return {
        "@timestamp": f"{moment + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}.000Z",
        "@metadata": {"beat": "filebeat", "type": "_doc", "version": "8.17.0"},
        "log": {
            "offset": number * 300,
            "file": {
                "path": f"/var/log/pt/{origin['service']}/{origin['file']}.log",
                "fingerprint": "445d01af94a604742ab7bb9db8b5bceff4b780925c2f8c7729165076319fc016",
            },
        },
        "message": line,
        "group": "pt",
        "service": origin["service"],
        "stream": origin["stream"],
        "environment": "local",
        "host": {"name": "pt-host"},
    }


def window(payloads: list[bytes]) -> bytes:
    """The frames of one window, compressed as Filebeat does it by default."""
    frames = b"".join(
        b"2J" + struct.pack(">II", number, len(payload)) + payload for number, payload in enumerate(payloads, 1)
    )
    data = zlib.compress(frames, COMPRESSION)
    return b"2W" + struct.pack(">I", len(payloads)) + b"2C" + struct.pack(">I", len(data)) + data
