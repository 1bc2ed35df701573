"""logstash.yml and pipelines.yml: what is read, what may be left be, and what is refused, each with its place."""

from pathlib import Path

import pytest

from logstash_py import settings
from logstash_py.errors import ConfigError, SettingsError
from logstash_py.settings import Settings
from logstash_py.sources import read_all


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_flat_and_nested_names_with_variables(tmp_path: Path) -> None:
    text = "pipeline:\n  batch: {size: 7}\npipeline.workers: ${W:3}\nconfig.reload.interval: 500ms\n"
    text += "dead_letter_queue.max_bytes: 2mb\nlog.format: json\npath.data: ${D}\n"
    read = settings.read(write(tmp_path, "logstash.yml", text), {"D": "/x"})
    assert (read.batch_size, read.workers, read.reload_interval) == (7, 3, 0.5)
    assert (read.dead_letter_max_bytes, read.log_format, read.path_data) == (2 << 20, "json", Path("/x"))
    assert read.notes == ()


def test_an_empty_file_leaves_the_defaults(tmp_path: Path) -> None:
    assert settings.read(write(tmp_path, "logstash.yml", "# nothing\n"), {}) == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\npipeline.wrokers: 2\n", ":1: unknown setting a."),
        ("\npipeline.workers: none\n", ":2: pipeline.workers: 'none'"),
        ("pipeline.workers: 0\n", "must be 1 or more"),
        ("config.reload.interval: 3\n", "no time such as 3s"),
        ("log.level: loud\n", "is none of fatal"),
        ("path.data: ${NOPE}\n", ":1: the variable NOPE is not set"),
        ("- a\n", "settings are name: value lines"),
        ("a: [\n", ":2: "),
        ("dead_letter_queue.storage_policy: drop_older\n", "no dead letter is dropped"),
        ("dead_letter_queue.retain.age: 5d\n", "not supported"),
        ("api.auth.type: basic\n", "no authentication"),
        ("api.ssl.enabled: true\n", "no TLS"),
        ("xpack.management.enabled: true\n", "not supported"),
        ("config.support_escapes: true\n", "escapes"),
        ("pipeline.id: ../up\n", "no name"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings.read(write(tmp_path, "logstash.yml", text), {})
    assert str(raised.value).startswith(str(tmp_path / "logstash.yml"))
    assert message in str(raised.value)


def test_what_changes_no_guarantee_is_left_be_with_a_note(tmp_path: Path) -> None:
    text = "queue.type: persisted\nxpack.monitoring.enabled: true\napi.auth.type: none\nqueue.max_bytes: 1gb\n"
    notes = settings.read(write(tmp_path, "logstash.yml", text), {}).notes
    assert len(notes) == 3
    assert notes[0].startswith(f"{tmp_path / 'logstash.yml'}:1: queue.type has no effect: an event is acknowledged")


def test_pipelines_take_what_they_do_not_set_from_logstash_yml(tmp_path: Path) -> None:
    write(tmp_path, "b.conf", "input { stdin {} }")
    write(tmp_path, "a.conf", "output { null {} }")
    write(tmp_path, "c.txt", "filter { }")
    text = f"""
- pipeline.id: one
  path.config: "{tmp_path}/*.conf"
  pipeline.workers: 1
- pipeline.id: two
  config.string: input {{ stdin {{}} }}
  pipeline.batch.size: 9
  pipeline.ecs_compatibility: disabled
  queue.type: persisted
- pipeline.id: three
  path.config: "{tmp_path}/{{b,c}}.*"
"""
    write(tmp_path, "pipelines.yml", text)
    one, two, three = read_all(Settings(workers=5), tmp_path, {})
    assert [Path(path).name for path, _ in one.files] == ["a.conf", "b.conf"]
    assert [Path(path).name for path, _ in three.files] == ["b.conf", "c.txt"]
    assert (one.settings.workers, two.settings.workers) == (1, 5)
    assert (two.settings.batch_size, two.settings.ecs) == (9, "disabled")
    assert len(two.settings.notes) == 1
    assert two.files == (("config.string", "input { stdin {} }"),)
    assert one.settings.dead_letter_folder != two.settings.dead_letter_folder


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: pipelines are a list"),
        ("- path.config: x\n", ":1: this pipeline has no pipeline.id"),
        ("- pipeline.id: a\n", ":1: a: give either path.config or config.string"),
        ("- {pipeline.id: a, config.string: x}\n- {pipeline.id: a, config.string: x}\n", ":2: a second pipeline"),
        ("- pipeline.id: a\n  config.string: x\n  path.data: y\n", ":3: path.data can't differ"),
        ("- pipeline.id: a\n  config.string: x\n  pipeline.wrokers: 2\n", ":3: unknown setting pipeline.wrokers"),
    ],
)
def test_mistakes_in_pipelines_yml(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_all(Settings(), write(tmp_path, "pipelines.yml", text), {})
    assert message in str(raised.value)


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file matches"):
        read_all(Settings(path_config=str(tmp_path / "*.conf")), None, {})


def test_which_pipeline_is_asked(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="which pipeline"):
        read_all(Settings(), tmp_path, {})


def test_order_is_kept_by_one_worker_only() -> None:
    with pytest.raises(SettingsError, match=r"needs pipeline\.workers: 1"):
        read_all(Settings(ordered="true", workers=2, config_string="input { stdin {} }"), None, {})
