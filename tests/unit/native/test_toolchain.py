"""The cache, with tools of the test's own: small, local and as broken as need be."""

import hashlib
import io
import os
import subprocess
import sys
import zipfile

import pytest

from native.toolchain import tools
from native.toolchain.cache import Progress, Tool, ToolchainError, install, verify_sha256


def quiet() -> Progress:
    return Progress(io.StringIO())


class Recipe:
    """Counts its runs; fails while `broken`."""

    def __init__(self, broken: bool = False) -> None:
        self.runs, self.broken, self.downloads = 0, broken, 0

    def __call__(self, target, build, say) -> None:
        self.runs += 1
        download = build / "download"
        if not download.exists():
            self.downloads += 1
            download.write_text("program")
        (target / "bin").mkdir()
        (target / "bin" / "tool").write_text(download.read_text())
        if self.broken:
            raise ToolchainError("the compiler is out of coffee")


def test_a_tool_is_installed_once_and_found_after(tmp_path):
    recipe = Recipe()
    for _ in range(2):
        folders = install([Tool("tool", "1.0", recipe)], tmp_path, quiet())
    assert recipe.runs == 1
    assert (folders["tool"] / "bin" / "tool").read_text() == "program"
    assert folders["tool"].parent == tmp_path / "tool"
    assert not (tmp_path / "build").exists()


def test_a_failed_install_leaves_no_tool_and_the_next_one_resumes(tmp_path):
    recipe = Recipe(broken=True)
    tool = Tool("tool", "1.0", recipe)
    with pytest.raises(ToolchainError, match="out of coffee"):
        install([tool], tmp_path, quiet())
    assert not list((tmp_path / "tool").iterdir())

    recipe.broken = False
    assert install([tool], tmp_path, quiet())["tool"].is_dir()
    assert (recipe.runs, recipe.downloads) == (2, 1)


def test_one_failure_does_not_cost_the_other_tools(tmp_path):
    good = Tool("good", "1", Recipe())
    with pytest.raises(ToolchainError):
        install([Tool("bad", "1", Recipe(broken=True)), good], tmp_path, quiet())
    assert good.folder(tmp_path).is_dir()


def test_what_a_killed_run_left_is_no_tool(tmp_path):
    tool = Tool("tool", "1.0", Recipe())
    folder = tool.folder(tmp_path)
    half = folder.with_name(f".{folder.name}.partial")
    (half / "bin").mkdir(parents=True)
    (half / "bin" / "junk").write_text("")
    install([tool], tmp_path, quiet())
    assert [path.name for path in (folder / "bin").iterdir()] == ["tool"]


def test_a_changed_definition_is_another_folder(tmp_path):
    first, second = (Tool("tool", "1.0", Recipe(), (sums,)) for sums in (b"a", b"b"))
    assert install([first], tmp_path, quiet()) != install([second], tmp_path, quiet())
    assert len(list((tmp_path / "tool").iterdir())) == 2


def test_two_runs_at_once_install_one_tool(tmp_path):
    script = """
import sys, time
from pathlib import Path
from native.toolchain.cache import Tool, install
def recipe(target, build, say):
    with (Path(sys.argv[1]) / "runs").open("a") as runs:
        runs.write("run\\n")
    time.sleep(0.5)
install([Tool("tool", "1", recipe)], Path(sys.argv[1]) / "cache")
"""
    runs = [subprocess.Popen([sys.executable, "-c", script, tmp_path]) for _ in range(2)]
    assert [run.wait(timeout=30) for run in runs] == [0, 0]
    assert (tmp_path / "runs").read_text() == "run\n"


def test_tools_can_be_read_by_all_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        folder = install([Tool("tool", "1", Recipe())], tmp_path / "cache", quiet())["tool"]
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o055 == 0o055
    assert (folder / "bin" / "tool").stat().st_mode & 0o044 == 0o044


def test_a_wrong_checksum_names_both_sums_and_removes_the_file(tmp_path):
    download = tmp_path / "server.zip"
    download.write_bytes(b"not what was asked for")
    found = hashlib.sha256(download.read_bytes()).hexdigest()
    with pytest.raises(ToolchainError) as error:
        verify_sha256(download, "0" * 64)
    assert found in str(error.value)
    assert "0" * 64 in str(error.value)
    assert not download.exists()


def test_unzip_keeps_the_run_bits_and_drops_the_top_folder(tmp_path):
    archive = tmp_path / "server.zip"
    with zipfile.ZipFile(archive, "w") as file:
        program = zipfile.ZipInfo("server-1.0/bin/server")
        program.external_attr = 0o755 << 16
        file.writestr(program, "#!/bin/sh\n")
        file.writestr("server-1.0/README", "read me")
    tools.unzip(archive, tmp_path / "server")
    assert os.access(tmp_path / "server" / "bin" / "server", os.X_OK)
    assert (tmp_path / "server" / "README").read_text() == "read me"


def test_an_archive_that_reaches_outside_is_refused(tmp_path):
    archive = tmp_path / "server.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("server-1.0/../../evil", "")
    with pytest.raises(ToolchainError, match="a path outside"):
        tools.unzip(archive, tmp_path / "server")


def test_a_go_on_path_that_is_too_old_is_not_used(tmp_path, monkeypatch):
    old = tmp_path / "path" / "go"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho go1.19.8\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(old.parent), prepend=os.pathsep)
    kept = tmp_path / "go" / "go" / "bin" / "go"  # as the wheel's install leaves it
    kept.parent.mkdir(parents=True)
    kept.write_text("")
    assert tools.find_go(tmp_path, lambda text: None) == str(kept)
    old.write_text("#!/bin/sh\necho go1.23.0\n")
    assert tools.find_go(tmp_path, lambda text: None) == str(old)


def test_the_front_end_is_built_again_when_a_source_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(tools, "REACT", tmp_path)
    (tmp_path / "package.json").write_text('{"version": "1.2.3"}')
    (tmp_path / "src").mkdir()
    source = tmp_path / "src" / "main.tsx"
    source.write_text("one")

    def front_end():
        [tool] = [tool for tool in tools.tools() if tool.name == "front-end"]
        return tool.folder(tmp_path / "cache").name

    built = front_end()
    assert built.startswith("1.2.3-")
    # What a build in the checkout leaves.
    (tmp_path / "dist" / "assets").mkdir(parents=True)
    (tmp_path / "dist" / "assets" / "index.js").write_text("built")
    (tmp_path / "build.log").write_text("INFO|react.build|")
    assert front_end() == built
    source.write_text("two")
    assert front_end() != built
