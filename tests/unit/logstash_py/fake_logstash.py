"""A stand-in for bin/logstash, run as a program: the options that the tester gives, JSON lines on its standard input,
files as outputs. The pipeline is run by logstash_py itself, so it says nothing of what a real Logstash would do."""

import argparse
import json
import os
import sys
from pathlib import Path

import yaml

from logstash_py.parser import parse
from logstash_py.pipeline import Pipeline
from logstash_py.plugin import Context
from logstash_py.text import dump_json


def main() -> None:
    options = argparse.ArgumentParser(allow_abbrev=False)
    options.add_argument("--path.settings", dest="settings", required=True)
    options.add_argument("-f", dest="config", required=True)
    given = options.parse_args()
    settings = yaml.safe_load(Path(given.settings, "logstash.yml").read_text())
    sections = parse(Path(given.config).read_text(), given.config)
    assert [statement.name for statement in sections[0].statements] == ["stdin"]
    running = [section for section in sections if section.kind != "input"]
    pipeline = Pipeline(running, Context(settings["pipeline.ecs_compatibility"], "main", os.environ))
    for line in sys.stdin:
        event = json.loads(line)
        event.setdefault("host", "this-host")  # as the stdin input does
        for document in pipeline.filter([event]):
            if os.environ.get("FAKE_LOGSTASH_DIFFERS"):
                document["log_level"] = "OTHER"
            lists = pipeline.route([document])
            for output, documents in zip(pipeline.outputs, lists, strict=True):
                for one in documents:
                    written = {key: value for key, value in one.items() if key != "@metadata"}
                    with Path(output.path).open("ab") as file:
                        file.write(dump_json(written) + b"\n")


if __name__ == "__main__":
    main()
