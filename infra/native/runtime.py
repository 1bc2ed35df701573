"""Starts, watches and stops the parts, through process-compose's API on a socket in the state folder."""

import filecmp
import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import yaml

from native import compose, elasticsearch, preflight, servers_user, state
from native.settings import LOOPBACK, Settings
from native.toolchain import cache, tools

START_TIMEOUT = 120.0  # seconds until every part is healthy
STOP_TIMEOUT = 90.0
STRAY_TIMEOUT = 15.0
RESTARTS_ALLOWED = 1  # while starting
ANSWER_SECONDS = 2.0
TAIL_LINES = 25
# What `rotate_passwords` changes. Not the keys: what they signed or encrypted stays readable.
PASSWORDS = ("ELASTIC_PASSWORD", "LOGSTASH_WRITER_PASSWORD", "PT_READER_PASSWORD", "DEMO_PASSWORD")
# Parts that are told one. Not setup: it has done its work, and process-compose would not run it again, since it depends
# on Elasticsearch and finds the process of before.
PARTS_WITH_PASSWORDS = ("elasticsearch", "logstash", "migrate", "django")

Say = Callable[[str], None]


@dataclass(frozen=True)
class FilebeatPlace:
    """Where Filebeat's things are, as Filebeat sees them; `process` is its folder below /proc, or a pattern of it."""

    logs: str
    config: str
    data: str
    process: str


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
        with api(settings) as client:
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
    if found := _stray_problems(settings) or preflight.problems(settings, tools.room_needed(settings.cache)):
        raise RuntimeFailure("Nothing was started:\n" + "\n".join(f"  ✗ {problem}" for problem in found))
    folders = cache.install(tools.tools(), settings.cache)
    state.prepare(settings)
    with state.locked(settings):
        if processes(settings):  # started by another in the meantime
            return False
        try:
            _configure(settings, folders)
            supervisor = start(settings, folders)
            wait_until_settled(settings, supervisor, say)
        except BaseException as error:
            stop(settings)
            if isinstance(error, RuntimeFailure):
                raise RuntimeFailure(f"Everything is stopped again: {error}") from error
            raise
    return True


def _configure(settings: Settings, folders: Mapping[str, Path]) -> None:
    """Make the configurations of this start: everything below <run>."""
    state.generate_secrets(settings)
    elasticsearch.write_configuration(settings, folders["elasticsearch"])
    # Copies, because the servers' user may not be able to enter the checkout.
    _copy(settings.checkout / "filebeat", settings.run / "filebeat", "config")
    _copy(settings.checkout / "nginx", settings.run / "nginx", "work")
    shutil.copytree(folders["front-end"] / "dist", settings.run / "nginx" / "react")
    keep_build_log(folders["front-end"] / "build.log", settings.logs / "react" / "build.log")
    for name in ("filebeat", "nginx"):
        servers_user.give(settings.run / name)
    write_document(settings)


def _copy(source: Path, target: Path, own: str) -> None:
    """Copy a part's folder, with an empty folder `own` in it that the part writes to."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    (target / own).mkdir()


def keep_build_log(built: Path, log: Path) -> None:
    """Put the log of the front end's build beside react.log: a build that is there already is not read again."""
    if log.exists():
        if filecmp.cmp(built, log, shallow=False):
            return
        log.replace(log.with_name(f"{log.name}.1"))
    new = log.with_name(f".{log.name}.new")
    shutil.copyfile(built, new)
    new.chmod(0o640)  # Filebeat reads it by the group
    new.rename(log)


def write_document(settings: Settings, document: Mapping | None = None) -> None:
    """Write process-compose's document (default: all of it): secrets stand in it, so it is for the owner alone."""
    text = yaml.safe_dump(document or compose.render(settings), sort_keys=False, allow_unicode=True)
    state.write_private(_document(settings), text)


def _document(settings: Settings) -> Path:
    return settings.run / "process-compose.yml"


def start(settings: Settings, folders: Mapping[str, Path]) -> subprocess.Popen:
    """Start process-compose in a session of its own: it outlives us and the terminal."""
    command = [folders["process-compose"] / "bin" / "process-compose", "--tui=false", "--disable-dotenv"]
    command += ["--config", _document(settings), "--unix-socket", settings.socket]
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


def wait_until_settled(
    settings: Settings, supervisor: subprocess.Popen | None, say: Say, before: Mapping[str, dict] | None = None
) -> None:
    """Say when each part gets healthy; return when all are. Raises RuntimeFailure.

    `before` are the `processes` of a stack that was up already, most of which stay as they are.
    """
    start = time.monotonic()
    before = before or {}
    reported = {name: _state(process) for name, process in before.items()}
    while True:
        seconds = time.monotonic() - start
        found = processes(settings)
        states = {name: _state(process) for name, process in found.items()}
        for name, now in states.items():
            if now in (HEALTHY, DONE, RESTARTING) and reported.get(name) != now:
                say(f"  {name:<14} {now:<10} {seconds:5.1f} s")
        reported |= states
        if is_settled(states):
            return
        for name, process in found.items():
            restarts = process["restarts"] - (before[name]["restarts"] if name in before else 0)
            if states[name] == FAILED or restarts > RESTARTS_ALLOWED:
                raise RuntimeFailure(_failure(settings, name, f"did not start (exit status {process['exit_code']})"))
        if supervisor and supervisor.poll() is not None:
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
    return f"{part} {what}.\nThe end of {log}:\n\n{last}"


def down(settings: Settings) -> bool:
    """Stop the stack, and whatever an earlier one left. False when nothing ran. Raises RuntimeFailure."""
    if not settings.state.is_dir():
        return False
    with state.locked(settings):
        return stop(settings)


def stop(settings: Settings) -> bool:
    ran = False
    if processes(settings):
        ran = True
        supervisors = strays(settings)
        with api(settings, timeout=STOP_TIMEOUT) as client:
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


def rotate_passwords(settings: Settings, say: Say) -> None:
    """New passwords for all users of a running stack. The parts that hold one are started again; the others go on.

    Filebeat waits while Logstash is away, and Logstash sends again what Elasticsearch has not taken: no line is lost.
    """
    if not processes(settings):
        raise RuntimeFailure("Nothing runs: `make up` first, a running stack's passwords are changed.")
    state.check_rotation(settings, PASSWORDS)
    with state.locked(settings):
        state.replace_secrets(settings, state.generate(PASSWORDS))
        fresh = Settings.load(settings.checkout, settings.environ)
        elasticsearch.write_users(fresh)
        document = yaml.safe_load(_document(fresh).read_text())
        document["processes"] |= {part: compose.render(fresh)["processes"][part] for part in PARTS_WITH_PASSWORDS}
        write_document(fresh, document)
        before = processes(fresh)
        with api(fresh, timeout=STOP_TIMEOUT) as client:  # stops and starts what is different now
            client.post("/project/configuration").raise_for_status()
        wait_until_settled(fresh, None, say, before)


def places(settings: Settings) -> dict[str, str]:
    """{what a user looks for: where it is}, of a stack that is up."""
    return {
        "Front end": settings.nginx_url,
        "API": f"{settings.nginx_url}/api/",
        "Flower": f"{settings.nginx_url}/flower/",
        "Elasticsearch": settings.elasticsearch_url,
        "Logstash's figures": f"http://127.0.0.1:{settings.logstash_api_port}/_node/stats",
        "Log files": str(settings.logs),
        "Passwords": str(settings.secrets_file),
    }


def unrouted(settings: Settings) -> int:
    """Events of a foreign group or service, in the file where the pipeline keeps them."""
    if not settings.unrouted_file.exists():
        return 0
    with settings.unrouted_file.open("rb") as file:
        return sum(1 for _ in file)


def unrouted_place(settings: Settings) -> str:
    """Where they are kept, in words."""
    return str(settings.unrouted_file)


def filebeat_figures(settings: Settings) -> dict:
    """What Filebeat tells of itself. Raises RuntimeFailure when it does not."""
    try:
        answer = httpx.get(f"http://{LOOPBACK}:{settings.filebeat_port}/stats", timeout=ANSWER_SECONDS)
        return answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise RuntimeFailure(f"port {settings.filebeat_port}: {type(error).__name__}") from error


def run_in(settings: Settings, part: str, *command: str) -> str:
    """What a command prints, to standard output and error, as a part would: its user, its variables, its folder.

    Raises RuntimeFailure when it fails.
    """
    done = subprocess.run(  # noqa: S603
        [*_user_of(part), *command],
        **_place_of(settings, part),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeFailure(done.stdout.strip())
    return done.stdout


def become(settings: Settings, part: str, command: Sequence[str]) -> None:
    """Become a command that runs as a part would, as `docker compose exec` has it. Raises RuntimeFailure."""
    if part not in compose.names():
        raise RuntimeFailure(f"There is no {part}. There are: {', '.join(compose.names())}.")
    place = _place_of(settings, part)
    os.chdir(place["cwd"])
    command = [*_user_of(part), *command]
    os.execvpe(command[0], command, place["env"])  # noqa: S606


def _user_of(part: str) -> list[str]:
    return servers_user.command_prefix() if "x-user" in compose.template()["processes"][part] else []


def _place_of(settings: Settings, part: str) -> dict:
    rendered = compose.render(settings)["processes"][part]
    folders = {tool.name: tool.folder(settings.cache) for tool in tools.tools()}
    variables = dict(item.split("=", 1) for item in rendered["environment"])
    return {"cwd": rendered["working_dir"], "env": compose.environment(settings, folders) | variables}


def filebeat_place(settings: Settings) -> FilebeatPlace:
    pid = processes(settings).get("filebeat", {}).get("pid")
    config = settings.run / "filebeat" / "config" / "filebeat.yml"
    return FilebeatPlace(str(settings.logs), str(config), str(settings.data / "filebeat"), str(pid))


def memory(_settings: Settings) -> dict[str, float]:
    """{what: percent of its memory in use}. No part has a limit of its own but the Java heap."""
    return {"this machine": psutil.virtual_memory().percent}


def kept(settings: Settings) -> str:
    """Where the data are, in words."""
    return str(settings.state)


def remove(settings: Settings) -> None:
    """Remove the data of a stack that is down."""
    state.remove(settings)


def show_logs(settings: Settings, service: str, lines: int, follow: bool) -> None:
    """Become `tail` on what a part or service has written. Raises RuntimeFailure for a wrong name."""
    files = logs(settings, service)
    if not files:
        print(f"{service} has written nothing yet.")
        return
    command = ["tail", "-n", str(lines), *(["-F"] if follow else []), *map(str, files)]
    os.execvp(command[0], command)  # noqa: S606


def logs(settings: Settings, service: str) -> list[Path]:
    """What a part or service has written: its console log and its log files. Raises RuntimeFailure for a wrong name."""
    names = sorted({*compose.names(), *state.SERVICES})
    if service not in names:
        raise RuntimeFailure(f"There is no {service}. There are: {', '.join(names)}.")
    files = [settings.console_logs / f"{service}.log", *sorted((settings.logs / service).glob("*.log"))]
    return [path for path in files if path.exists()]


def api(settings: Settings, timeout: float = 5.0) -> httpx.Client:
    """A client of process-compose's API, for a stack that is up."""
    transport = httpx.HTTPTransport(uds=str(settings.socket))
    return httpx.Client(transport=transport, base_url="http://process-compose", timeout=timeout)
