"""Starts, watches and stops the parts, through process-compose's API on a socket in the state folder."""

import fcntl
import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import yaml

from native import compose, elasticsearch, preflight, servers_user, state
from native.settings import Settings
from native.toolchain import cache, tools

START_TIMEOUT = 120.0  # seconds until every part is healthy
STOP_TIMEOUT = 90.0
STRAY_TIMEOUT = 15.0
RESTARTS_ALLOWED = 1  # while starting
TAIL_LINES = 25

Say = Callable[[str], None]


class RuntimeFailure(Exception):
    """The stack did not start or stop as asked; the message tells why, and what was done about it."""


# States of a part, as `parts` gives them.
HEALTHY, DONE, PENDING, STARTING, UNHEALTHY = "healthy", "done", "pending", "starting", "unhealthy"
RESTARTING, STOPPING, STOPPED, FAILED = "restarting", "stopping", "stopped", "failed"


def parts(settings: Settings) -> dict[str, str]:
    """{part: state} of all parts; empty when the stack is not up.

    A server's state is healthy, starting, unhealthy, restarting, stopping, stopped, failed or pending (waits for
    another part); a job's is done when it has done its work.
    """
    return {name: _state(process) for name, process in processes(settings).items()}


def processes(settings: Settings) -> dict[str, dict]:
    """{part: process-compose's account of it}: status, is_ready, restarts, exit_code, pid, mem (bytes) and others."""
    try:
        with _client(settings) as client:
            found = {process["name"]: process for process in client.get("/processes").json()["data"]}
    except httpx.TransportError:
        return {}
    return {name: found[name] for name in compose.names() if name in found}


def _state(process: Mapping) -> str:
    status, ready = process["status"], process["is_ready"]
    if status == "Running":
        return {"Ready": HEALTHY, "Not Ready": UNHEALTHY}.get(ready, STARTING)
    if status == "Completed":
        if process["exit_code"]:
            return FAILED
        return DONE if process["name"] in compose.jobs() else STOPPED
    return {"Pending": PENDING, "Restarting": RESTARTING, "Terminating": STOPPING}.get(status, FAILED)


def is_settled(states: Mapping[str, str]) -> bool:
    """Whether every part runs well, or has done its work."""
    return bool(states) and all(state in (HEALTHY, DONE) for state in states.values())


def up(settings: Settings, say: Say) -> bool:
    """Start the stack and wait until every part is healthy. False when it was up already.

    Raises RuntimeFailure; then nothing of it runs.
    """
    if processes(settings):
        return False
    # Strays hold ports and memory: with them, nothing else is worth telling.
    if found := _stray_problems(settings) or preflight.problems(settings, toolchain_ready=tools.ready(settings.cache)):
        raise RuntimeFailure("Nothing was started:\n" + "\n".join(f"  ✗ {problem}" for problem in found))
    folders = cache.install(tools.tools(), settings.cache)
    state.prepare(settings)
    with _locked(settings):
        if processes(settings):  # started by another in the meantime
            return False
        try:
            _configure(settings, folders)
            supervisor = start(settings, folders)
            wait_until_settled(settings, supervisor, say)
        except BaseException:
            stop(settings)
            raise
    return True


def _configure(settings: Settings, folders: Mapping[str, Path]) -> None:
    """Make the configurations of this start: everything below <run>."""
    state.generate_secrets(settings)
    elasticsearch.write_configuration(settings, folders["elasticsearch"])
    # Copies, because the servers' user may not be able to enter the checkout.
    _copy(settings.checkout / "filebeat", settings.run / "filebeat", "config")
    _copy(settings.checkout / "nginx", settings.run / "nginx", "work")
    react = settings.checkout / "services" / "react"
    shutil.copytree(react, settings.run / "nginx" / "react", ignore=shutil.ignore_patterns("node_modules"))
    for name in ("filebeat", "nginx"):
        servers_user.give(settings.run / name)
    write_document(settings)


def _copy(source: Path, target: Path, own: str) -> None:
    """Copy a part's folder, with an empty folder `own` in it that the part writes to."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    (target / own).mkdir()


def write_document(settings: Settings) -> None:
    """Write process-compose's document: secrets stand in it, so it is for the owner alone."""
    path = settings.run / "process-compose.yml"
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        yaml.safe_dump(compose.render(settings), file, sort_keys=False, allow_unicode=True)


def start(settings: Settings, folders: Mapping[str, Path]) -> subprocess.Popen:
    """Start process-compose in a session of its own: it outlives us and the terminal."""
    command = [folders["process-compose"] / "bin" / "process-compose", "--tui=false", "--disable-dotenv"]
    command += ["--config", settings.run / "process-compose.yml", "--unix-socket", settings.socket]
    command += ["--log-file", settings.console_logs / "process-compose.log", "--ordered-shutdown"]
    return subprocess.Popen(  # noqa: S603
        command,
        cwd=settings.state,
        env=compose.environment(settings, folders),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        umask=state.umask(),
    )


def wait_until_settled(settings: Settings, supervisor: subprocess.Popen, say: Say) -> None:
    start = time.monotonic()
    reported: dict[str, str] = {}
    while True:
        seconds = time.monotonic() - start
        found = processes(settings)
        states = {name: _state(process) for name, process in found.items()}
        for name, now in states.items():
            if now in (HEALTHY, DONE, RESTARTING) and reported.get(name) != now:
                reported[name] = now
                say(f"  {name:<14} {now:<10} {seconds:5.1f} s")
        if is_settled(states):
            return
        for name, process in found.items():
            if states[name] == FAILED or process["restarts"] > RESTARTS_ALLOWED:
                raise RuntimeFailure(_failure(settings, name, f"did not start (exit status {process['exit_code']})"))
        if supervisor.poll() is not None:
            raise RuntimeFailure(_failure(settings, "process-compose", f"ended with status {supervisor.returncode}"))
        if seconds > START_TIMEOUT:
            waiting = [name for name, now in states.items() if now not in (HEALTHY, DONE)]
            first = next((name for name in waiting if states[name] != PENDING), "process-compose")
            raise RuntimeFailure(_failure(settings, first, f"is not healthy after {START_TIMEOUT:.0f} s"))
        time.sleep(0.25)


def _failure(settings: Settings, part: str, what: str) -> str:
    log = settings.console_logs / f"{part}.log"
    try:
        with log.open(errors="replace") as file:
            last = "".join(deque(file, maxlen=TAIL_LINES))
    except FileNotFoundError:
        last = "(it printed nothing)\n"
    return f"{part} {what}; everything is stopped again.\nThe end of {log}:\n\n{last}"


def down(settings: Settings) -> bool:
    """Stop the stack, and whatever an earlier one left. False when nothing ran. Raises RuntimeFailure."""
    if not settings.state.is_dir():
        return False
    with _locked(settings):
        return stop(settings)


def stop(settings: Settings) -> bool:
    ran = False
    if processes(settings):
        ran = True
        supervisors = strays(settings)
        with _client(settings, timeout=STOP_TIMEOUT) as client:
            for stage in compose.stop_order():
                with ThreadPoolExecutor(len(stage)) as pool:
                    list(pool.map(lambda part: _stop_part(client, part), stage))
            with suppress(httpx.TransportError):  # it ends by itself with its last part
                client.post("/project/stop")
        psutil.wait_procs(supervisors, timeout=STRAY_TIMEOUT)
    if left := strays(settings):
        ran = True
        for process in left:
            _signal(process.terminate)
        _, left = psutil.wait_procs(left, timeout=STRAY_TIMEOUT)
        for process in left:
            _signal(process.kill)
        _, left = psutil.wait_procs(left, timeout=STRAY_TIMEOUT)
        if left:
            raise RuntimeFailure(f"Processes that do not end: {', '.join(str(process.pid) for process in left)}")
    settings.socket.unlink(missing_ok=True)
    return ran


def _stop_part(client: httpx.Client, part: str) -> None:
    """Ask for a part's end and wait for it. One that does not run is answered 400."""
    with suppress(httpx.TransportError):
        client.patch(f"/process/stop/{part}")


def _signal(send: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        send()


def strays(settings: Settings) -> list[psutil.Process]:
    """All processes of this stack, process-compose among them, whoever their parent is by now.

    Known by the variable that they inherit (compose.MARK). Redis and nginx write their titles over their environment:
    they are known by running a program of the cache in a folder of this state.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(compose.MARK) == str(settings.state) or (
                Path(process.exe()).is_relative_to(settings.cache)
                and Path(process.cwd()).is_relative_to(settings.state)
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue  # ended, or another user's
    return found


def _stray_problems(settings: Settings) -> list[preflight.Problem]:
    if not (left := strays(settings)):
        return []
    names = ", ".join(f"{process.name()} (pid {process.pid})" for process in left)
    return [preflight.Problem(f"An earlier start left processes: {names}.", "`make down` ends them.")]


def logs(settings: Settings, service: str) -> list[Path]:
    """What a part or service has written: its console log and its log files. Raises RuntimeFailure for a wrong name."""
    names = sorted({*compose.names(), *state.SERVICES})
    if service not in names:
        raise RuntimeFailure(f"There is no {service}. There are: {', '.join(names)}.")
    files = [settings.console_logs / f"{service}.log", *sorted((settings.logs / service).glob("*.log"))]
    return [path for path in files if path.exists()]


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """One `up` or `down` at a time."""
    with (settings.state / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _client(settings: Settings, timeout: float = 5.0) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(settings.socket))
    return httpx.Client(transport=transport, base_url="http://process-compose", timeout=timeout)
