"""What can be known to fail is told before anything starts: all of it at once, each with its remedy."""

import errno
import os
import re
import shutil
import socket
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from logstash_py import ConfigError
from logstash_py.check import check
from logstash_py.pipeline import config_files
from logstash_py.terminal import Paint
from native import servers_user
from native.settings import LOOPBACK, Settings

GIB = 2**30
MEMORY_NEEDED = 2.5 * GIB
STATE_DISK_NEEDED = 2 * GIB
SOCKET_PATH_LIMIT = 107  # bytes, sun_path of unix(7)
# What nginx.conf and filebeat.yml can hold unquoted.
PLAIN_PATH = re.compile(r"[A-Za-z0-9._:/@%+=-]+")


@dataclass(frozen=True)
class Problem:
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}\n    → {self.remedy}"


def problems(settings: Settings, toolchain_room: int) -> list[Problem]:
    """Everything that would keep the stack from starting. Changes nothing.

    `toolchain_room`: bytes that what is not in the cache yet takes.
    """
    return [
        *port_problems(settings),
        *program_problems(),
        *memory_problems(),
        *disk_problems(settings, toolchain_room),
        *state_problems(settings),
        *pipeline_problems(settings),
        *folder_problems("PT_STATE", settings.state, to_write=True),
        *folder_problems("PT_CACHE", settings.cache, to_write=toolchain_room > 0),
    ]


def port_problems(settings: Settings) -> list[Problem]:
    return taken_ports({variable: (LOOPBACK, port) for variable, port in settings.ports.items()})


def taken_ports(ports: Mapping[str, tuple[str, int]]) -> list[Problem]:
    """`ports` are {variable: (address, port)} of what is to be listened on."""
    users = defaultdict(list)
    for variable, (address, port) in ports.items():
        users[address, port].append(variable)
    found = []
    for (address, port), variables in users.items():
        if len(variables) > 1:
            found.append(
                Problem(f"{' and '.join(variables)} are both {port}.", "Give each its own in .env or the environment.")
            )
        elif reason := _why_not_free(address, port):
            [variable] = variables
            found.append(Problem(f"Port {port} ({variable}) {reason}.", f"Free it, or set {variable} in .env."))
    return found


def _why_not_free(address: str, port: int) -> str | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is no obstacle
        try:
            probe.bind((address, port))
            return None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"is taken by {_holder(port)}"
            return f"cannot be opened on {address} ({error.strerror})"


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid and not connection.raddr:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass  # another user's process
    return "another process"


def program_problems() -> list[Problem]:
    needed = {"bash": "Elasticsearch's start script is written in it", "sh": "parts are started by it"}
    if servers_user.dropped():
        needed["setpriv"] = "as root, servers are started as another user by it (package util-linux)"
    return [
        Problem(f"`{name}` is not on PATH: {why}.", "Install it with the system's package manager.")
        for name, why in needed.items()
        if not shutil.which(name)
    ]


def memory_problems() -> list[Problem]:
    available = psutil.virtual_memory().available
    if available >= MEMORY_NEEDED:
        return []
    return [
        Problem(
            f"{available / GIB:.1f} GiB of memory are available, {MEMORY_NEEDED / GIB:.1f} are needed.",
            "End other programs; ELASTICSEARCH_HEAP=256m in .env saves 0.3 GiB.",
        )
    ]


def disk_problems(settings: Settings, toolchain_room: int) -> list[Problem]:
    needs = [("PT_STATE", settings.state, STATE_DISK_NEEDED, "the stack's data")]
    if toolchain_room:
        needs.append(("PT_CACHE", settings.cache, toolchain_room, "building the toolchain"))
    found = []
    for variable, folder, needed, purpose in needs:
        free = shutil.disk_usage(_existing(folder)).free
        if free < needed:
            found.append(
                Problem(
                    f"{free / GIB:.1f} GiB are free at {folder}, {needed / GIB:.1f} are needed for {purpose}.",
                    f"Free some, or set {variable} to a folder on another disk.",
                )
            )
    return found


def state_problems(settings: Settings) -> list[Problem]:
    state = settings.state
    found = []
    if not PLAIN_PATH.fullmatch(str(state)):
        found.append(
            Problem(
                f"PT_STATE is {state}: nginx's and Filebeat's configurations cannot hold such a path.",
                "Set PT_STATE to a path of letters, digits and ._:/@%+=- only.",
            )
        )
    if len(os.fsencode(settings.socket)) > SOCKET_PATH_LIMIT:
        found.append(
            Problem(
                f"PT_STATE is too long: {settings.socket} is over the {SOCKET_PATH_LIMIT} bytes of a socket's path.",
                "Set PT_STATE to a shorter path.",
            )
        )
    return found


def pipeline_problems(settings: Settings) -> list[Problem]:
    """What keeps Logstash from taking its pipeline: all errors, each with its place."""
    logstash = settings.checkout / "elk" / "logstash"
    environ = {
        **settings.variables,
        "LOGSTASH_DICTIONARIES": str(logstash / "dictionaries"),
        "LOGSTASH_WRITER_PASSWORD": "made at the first start",
    }
    remedy = "Correct the pipeline: `make test-pipeline` tries it."
    try:
        findings = check(config_files(logstash / "pipeline"), environ, to_run_here=True)
    except ConfigError as error:
        return [Problem(str(error).rstrip(), remedy)]
    return [Problem("\n".join(finding.lines(Paint(False))), remedy) for finding in findings if finding.error]


def folder_problems(variable: str, folder: Path, to_write: bool) -> list[Problem]:
    """Whether we can write there, and the servers' user enter."""
    nearest = _existing(folder)
    if not nearest.is_dir() or (to_write and not os.access(nearest, os.W_OK | os.X_OK)):
        return [Problem(f"{nearest} is not a folder that can be written to.", f"Set {variable} to another.")]
    if blocker := servers_user.blocked_at(folder):
        return [
            Problem(
                f"{variable} is {folder}: started by root, the servers run as user {servers_user.SERVERS_ID}, "
                f"who cannot enter {blocker}.",
                f"Set {variable} to a folder that all can reach, such as one below /var/tmp.",
            )
        ]
    return []


def _existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that is there."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path
