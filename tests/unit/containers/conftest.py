import json
import os

import pytest

from native.settings import Settings, free_ports
from tests.paths import ROOT

# An engine as docker's own command line tells of it.
ENGINE = {
    "version --format {{json .}}": json.dumps({"Server": {"Version": "27.1.1"}}),
    "compose version --short": "v2.29.1-desktop.1",
    "info --format {{.MemTotal}}": str(64 * 2**30),
    "network ls --quiet": "",
    "network inspect": "[]",
}


@pytest.fixture
def settings(tmp_path):
    environ = {"RUNTIME": "docker", "PT_STATE": str(tmp_path / "state"), **free_ports()}
    return Settings.load(checkout=ROOT, environ=environ)


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """engine({command line: what it prints, or None to fail}): a `docker` on PATH that answers so."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def install(answers):
        cases = []
        for number, (line, answer) in enumerate({**ENGINE, **answers}.items()):
            (folder / f"answer{number}").write_text(answer or "")
            action = f"cat {folder}/answer{number}" if answer is not None else "echo 'it says no' >&2; exit 1"
            cases.append(f"'{line}') {action} ;;")
        program = folder / "docker"
        program.write_text('#!/bin/sh\ncase "$*" in\n' + "\n".join(cases) + '\n*) echo "$*?" >&2; exit 1 ;;\nesac\n')
        program.chmod(0o755)

    return install
