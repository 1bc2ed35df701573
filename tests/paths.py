"""Where the tests find what they test."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PIPELINE = ROOT / "elk/logstash/pipeline/logstash.conf"
DICTIONARIES = ROOT / "elk/logstash/dictionaries"
