import os
import shutil
import socket
from dataclasses import replace

import pytest

from native import preflight
from native.preflight import GIB
from native.settings import Settings
from native.toolchain import tools


def test_a_busy_port_is_named_with_its_variable_and_its_holder(settings):
    with socket.socket() as server:
        server.bind(("127.0.0.1", settings.redis_port))
        server.listen()
        [problem] = preflight.port_problems(settings)
    assert f"Port {settings.redis_port} (REDIS_PORT) is taken by" in problem.what
    assert f"(pid {os.getpid()})" in problem.what
    assert "REDIS_PORT" in problem.remedy
    assert preflight.port_problems(settings) == []


def test_two_parts_on_one_port(settings):
    [problem] = preflight.port_problems(replace(settings, flower_port=settings.nginx_port))
    assert problem.what == f"NGINX_PORT and FLOWER_PORT are both {settings.nginx_port}."


def test_everything_is_told_at_once(settings, monkeypatch):
    monkeypatch.setattr(preflight, "MEMORY_NEEDED", 2**60)
    monkeypatch.setattr(preflight, "STATE_DISK_NEEDED", 2**60)
    twice = replace(settings, flower_port=settings.nginx_port)
    told = "\n".join(map(str, preflight.problems(twice, toolchain_room=0)))
    assert "GiB of memory are available" in told
    assert f"GiB are free at {settings.state}" in told
    assert "are both" in told


def test_the_disk_for_building_is_asked_for_only_where_it_is_to_be_built(settings):
    assert preflight.disk_problems(settings, toolchain_room=0) == []
    [problem] = preflight.disk_problems(settings, toolchain_room=2**60)
    assert "PT_CACHE" in problem.remedy


def test_what_is_in_the_cache_takes_no_more_room(tmp_path):
    """A change of the front end must not ask for the gigabytes in which Filebeat is built."""
    everything = tools.room_needed(tmp_path)
    for tool in tools.tools():
        if tool.name != "front-end":
            tool.folder(tmp_path).mkdir(parents=True)
    assert everything > 6 * GIB and 0 < tools.room_needed(tmp_path) < GIB


@pytest.mark.parametrize(
    ("name", "told"),
    [("with blank", "cannot hold such a path"), ("x" * 120, "PT_STATE is too long")],
)
def test_a_state_folder_that_cannot_work(settings, tmp_path, name, told):
    found = preflight.state_problems(replace(settings, state=tmp_path / name))
    assert told in "\n".join(problem.what for problem in found)


def test_a_file_in_the_state_folders_place(settings):
    settings.state.write_text("")
    [problem] = preflight.folder_problems("PT_STATE", settings.state, to_write=True)
    assert f"{settings.state} is not a folder" in problem.what


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_a_state_folder_that_the_servers_user_cannot_reach(settings, tmp_path):
    tmp_path.chmod(0o700)
    [problem] = preflight.folder_problems("PT_STATE", settings.state, to_write=True)
    assert f"PT_STATE is {settings.state}" in problem.what
    assert "cannot enter" in problem.what


def test_default_ports_need_no_dotenv(tmp_path):
    assert Settings.load(tmp_path, {}).ports["NGINX_PORT"] == 8080


def test_a_pipeline_that_logstash_would_not_take(settings, tmp_path):
    assert preflight.pipeline_problems(settings) == []
    shutil.copytree(settings.checkout / "elk/logstash", tmp_path / "elk/logstash")
    pipeline = tmp_path / "elk/logstash/pipeline/logstash.conf"
    pipeline.write_text(pipeline.read_text().replace("    fingerprint {", "    ruby {"))
    line = pipeline.read_text().splitlines().index("    ruby {") + 1
    [problem] = preflight.pipeline_problems(replace(settings, checkout=tmp_path))
    assert f"{pipeline}:{line}:5: " in problem.what
    assert "'ruby'" in problem.what


def test_all_errors_of_the_pipeline_are_told_at_once(settings, tmp_path):
    shutil.copytree(settings.checkout / "elk/logstash", tmp_path / "elk/logstash")
    folder = tmp_path / "elk/logstash"
    (folder / "dictionaries/streams.yml").unlink()
    pipeline = folder / "pipeline/logstash.conf"
    text = pipeline.read_text()
    for wrong in (("    fingerprint {", "    ruby {"), ("uppercase =>", "upcase =>"), ("_PASSWORD}", "_PASWORD}")):
        assert wrong[0] in text
        text = text.replace(*wrong)
    pipeline.write_text(text)
    problems = preflight.pipeline_problems(replace(settings, checkout=tmp_path))
    lines = text.splitlines()
    places = [
        next(number for number, line in enumerate(lines, 1) if word in line)
        for word in ("upcase", "streams.yml", "ruby {", "_PASWORD}")
    ]
    assert [problem.what.split(":", 3)[:2] for problem in problems] == [[str(pipeline), str(n)] for n in places]
    assert problems[0].what.endswith("^")
    for problem, word in zip(problems, ("uppercase", "streams.yml", "'ruby'", "LOGSTASH_WRITER_PASWORD"), strict=True):
        assert word in problem.what
