"""Starts, watches and stops the containers, by `docker compose`."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping

from containers import compose, preflight, secret_files
from containers.compose import ComposeFailure
from native import compose as native_compose
from native import state
from native.runtime import (
    DONE,
    FAILED,
    HEALTHY,
    PENDING,
    RESTARTING,
    STARTING,
    STOPPED,
    STOPPING,
    UNHEALTHY,
    FilebeatPlace,
    RuntimeFailure,
    Say,
    is_settled,
)
from native.settings import Settings

START_TIMEOUT = 300.0  # seconds until every part is healthy, once the images are there
RESTARTS_ALLOWED = 3  # while starting: with TLS=on Filebeat may come before its certificate
# Services that write their lines to files alone: nothing of them is on a container's console.
FILE_SERVICES = ("nginx", "react")
# {password: the service on whose side it is set}. Not the keys: what they signed or encrypted stays readable.
PASSWORDS = {
    "ELASTIC_PASSWORD": "elasticsearch",
    "KIBANA_SYSTEM_PASSWORD": "elasticsearch",
    "LOGSTASH_SYSTEM_PASSWORD": "elasticsearch",
    "LOGSTASH_WRITER_PASSWORD": "elasticsearch",
    "PT_READER_PASSWORD": "elasticsearch",
    "POSTGRES_PASSWORD": "postgres",
    "DEMO_PASSWORD": "postgres",
}
LOGS = "/var/log/pt"  # LOG_FILE_PATH in the containers
FILEBEAT_DATA = "/usr/share/filebeat/data"  # by its default in filebeat/entrypoint.sh, as the port
FILEBEAT_STATS = "http://127.0.0.1:5066/stats"
UNROUTED = "/usr/share/logstash/data/unrouted.jsonl"  # LOGSTASH_UNROUTED, by its default in logstash.conf


def parts(settings: Settings) -> dict[str, str]:
    """{part: state} of the services that are to run, with native.runtime's states; empty when none has a container."""
    config = compose.config(settings)
    found = compose.inspect(config["name"])
    if not found:
        return {}
    return {name: _state(service, found.get(name)) for name, service in config["services"].items()}


def _state(service: Mapping, container: Mapping | None) -> str:
    if container is None:
        return PENDING
    state = container["State"]
    match state["Status"]:
        case "running":
            # A server without a health check is as healthy as it can be known to be; a job is not done yet.
            health = state.get("Health", {}).get("Status", "starting" if is_job(service) else "healthy")
            return {"healthy": HEALTHY, "unhealthy": UNHEALTHY}.get(health, STARTING)
        case "exited" if state["ExitCode"]:
            return FAILED
        case "exited":
            return DONE if is_job(service) else STOPPED
        case other:
            return {"created": PENDING, "restarting": RESTARTING, "removing": STOPPING}.get(other, FAILED)


def is_job(service: Mapping) -> bool:
    """Whether a service ends when it has done its work."""
    return service.get("restart", "no") not in ("always", "unless-stopped")


def runs(settings: Settings) -> bool:
    """Whether a container of this project runs."""
    return any(container["State"]["Running"] for container in _containers(settings).values())


def up(settings: Settings, say: Say) -> bool:
    """Start the stack and wait until every part is healthy. False when it was up already.

    Raises RuntimeFailure; then nothing of it runs.
    """
    # Without secrets.env what runs was started by hand before there were any.
    if not preflight.engine_problems() and settings.secrets_file.exists() and runs(settings):
        return False
    if found := preflight.problems(settings):
        raise RuntimeFailure("Nothing was started:\n" + "\n".join(f"  ✗ {problem}" for problem in found))
    state.prepare_home(settings)
    with state.locked(settings):
        state.generate_secrets(settings)
        settings = Settings.load(settings.checkout, settings.environ)
        say("Images: those that are missing are pulled, ours are built.")
        try:
            compose.run(settings, "pull", "--policy", "missing", "--quiet", *pulled(compose.config(settings)))
        except compose.ComposeFailure as error:
            raise RuntimeFailure(
                f"Nothing was started: images are missing that cannot be pulled.\n{error}\n"
                "    → Let the engine reach their registry, or set RUNTIME=native in .env, which needs no images."
            ) from error
        compose.run(settings, "build", "--quiet")
        try:
            start(settings, say)
        except BaseException as error:
            compose.run(settings, "--profile", "*", "stop")
            if isinstance(error, RuntimeFailure):
                raise RuntimeFailure(f"Everything is stopped again: {error}") from error
            raise
    return True


def pulled(config: Mapping) -> list[str]:
    """The services whose images come from a registry."""
    return [
        name
        for name, service in config["services"].items()
        if "build" not in service and service.get("pull_policy") != "never"
    ]


def start(settings: Settings, say: Say) -> None:
    """`docker compose up` with the secrets as they are now, and the wait until every part is healthy.

    Raises RuntimeFailure.
    """
    secret_files.write(settings)
    config = compose.config(settings)
    before = compose.inspect(config["name"])
    command = compose.command(settings, "up", "--detach", "--no-build", "--remove-orphans", "--quiet-pull")
    with tempfile.TemporaryFile("w+") as told:
        starting = subprocess.Popen(  # noqa: S603
            command,
            env=compose.environment(settings),
            cwd=settings.checkout,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
        )
        try:
            wait_until_settled(settings, config, before, starting, say)
        except ComposeEnded:
            told.seek(0)
            raise RuntimeFailure(f"docker compose up failed:\n{compose.tail(told.read())}") from None
        finally:
            starting.terminate()
            starting.wait()


class ComposeEnded(Exception):
    """`docker compose up` gave up, and no part is to blame."""


def wait_until_settled(
    settings: Settings, config: Mapping, before: Mapping, starting: subprocess.Popen, say: Say
) -> None:
    """Say when each part gets healthy; return when all are. Raises RuntimeFailure, ComposeEnded.

    `before` are the containers before `docker compose up` (`starting`), which may leave some of them as they are.
    """
    services = config["services"]
    begin = time.monotonic()
    restarts = {container["Id"]: container["RestartCount"] for container in before.values()}
    last = {name: _state(service, before.get(name)) for name, service in services.items()}
    while True:
        seconds = time.monotonic() - begin
        ended = starting.poll()
        found = compose.inspect(config["name"])
        states = {name: _state(service, found.get(name)) for name, service in services.items()}
        for name, now in states.items():
            if now in (HEALTHY, DONE, RESTARTING) and now != last[name]:
                say(f"  {name:<14} {now:<10} {seconds:5.1f} s")
        last = states
        if ended == 0 and is_settled(states):
            return
        for name in states.keys() & found.keys():
            again = found[name]["RestartCount"] - restarts.get(found[name]["Id"], 0) > RESTARTS_ALLOWED
            if again or (states[name] == FAILED and ended is not None):
                status = found[name]["State"]["ExitCode"]
                raise RuntimeFailure(_failure(settings, name, f"did not start (exit status {status})"))
        if ended:
            if ill := next((name for name, now in states.items() if now == UNHEALTHY), None):
                raise RuntimeFailure(_failure(settings, ill, "is not healthy"))
            raise ComposeEnded
        if seconds > START_TIMEOUT:
            waiting = [name for name, now in states.items() if now not in (HEALTHY, DONE)]
            first = next((name for name in waiting if states[name] != PENDING), waiting[0])
            raise RuntimeFailure(_failure(settings, first, f"is not healthy after {START_TIMEOUT:.0f} s"))
        time.sleep(1)


def _failure(settings: Settings, part: str, what: str) -> str:
    last = compose.run(settings, "logs", "--no-color", "--no-log-prefix", "--tail", str(compose.TAIL_LINES), part)
    return f"{part} {what}.\nThe end of what it printed:\n\n{last or '(nothing)'}"


def down(settings: Settings) -> bool:
    """Stop the stack; its volumes stay. False when nothing ran. Raises RuntimeFailure."""
    project = compose.config(settings)["name"]
    if not (found := compose.inspect(project)):
        return False
    state.prepare_home(settings)
    with state.locked(settings):
        ran = any(container["State"]["Running"] for container in found.values())
        # Who writes lines first, then who carries them, so that the last ones are searchable too.
        for stage in native_compose.stop_order():
            if running := [part for part in stage if part in found and found[part]["State"]["Running"]]:
                compose.run(settings, "--profile", "*", "stop", *running)
        compose.run(settings, "--profile", "*", "down", "--remove-orphans")
    return ran


def unrouted(settings: Settings) -> int | None:
    """Events of a foreign group or service, in the file where the pipeline keeps them. None: not known here."""
    try:
        return int(compose.run(settings, "exec", "--no-TTY", "logstash", "sh", "-c", f"cat {UNROUTED} 2>&- | wc -l"))
    except ComposeFailure:
        return None


def unrouted_place(settings: Settings) -> str:
    """Where they are kept, in words."""
    return f"{UNROUTED} of the container logstash"


def filebeat_figures(settings: Settings) -> dict:
    """What Filebeat tells of itself. Raises RuntimeFailure when it does not."""
    # It listens on its container's loopback alone.
    return json.loads(run_in(settings, "filebeat", "curl", "--silent", "--fail", "--max-time", "2", FILEBEAT_STATS))


def run_in(settings: Settings, part: str, *command: str) -> str:
    """What a command prints, to standard output and error, in a service's container. Raises ComposeFailure."""
    return compose.run(settings, "exec", "--no-TTY", part, "sh", "-c", 'exec "$@" 2>&1', "sh", *command)


def filebeat_place(_settings: Settings) -> FilebeatPlace:
    return FilebeatPlace(LOGS, f"{FILEBEAT_DATA}/filebeat.yml", FILEBEAT_DATA, "[0-9]*")


def memory(settings: Settings) -> dict[str, float]:
    """{service: percent of its container's limit that is in use}. Raises ComposeFailure."""
    running = {c["Id"]: name for name, c in _containers(settings).items() if c["State"]["Running"]}
    if not running:
        return {}
    told = compose.docker("stats", "--no-stream", "--no-trunc", "--format", "{{.ID}} {{.MemPerc}}", *running)
    return {running[found]: float(percent.rstrip("%")) for found, percent in map(str.split, told.splitlines())}


def _containers(settings: Settings) -> dict[str, dict]:
    return compose.inspect(compose.config(settings)["name"])


def kept(settings: Settings) -> str:
    """Where the data are, in words."""
    return f"the volumes of {compose.config(settings)['name']} and {settings.secrets_file}"


def remove(settings: Settings) -> None:
    """Remove the data of a stack that is down."""
    compose.run(settings, "--profile", "*", "down", "--volumes", "--remove-orphans")
    state.remove(settings)


def rotate_passwords(settings: Settings, say: Say) -> None:
    """New passwords for all users of a running stack. Raises RuntimeFailure, SettingsError.

    `docker compose up` makes anew what has one, and the jobs hand them on: setup to Elasticsearch's users, migrate to
    the demo user. PostgreSQL alone takes its own from there at the very first start only, and is told here. Lines wait
    meanwhile in their files, or in Logstash's queue. After a failure call it again: no old password is asked for.
    """
    if not runs(settings):
        raise RuntimeFailure("Nothing runs: `make up` first, a running stack's passwords are changed.")
    services = compose.config(settings)["services"]
    fresh = state.generate(name for name, service in PASSWORDS.items() if service in services)
    state.check_rotation(settings, fresh)
    with state.locked(settings):
        if "postgres" in services:
            statement = f"ALTER ROLE CURRENT_USER PASSWORD '{fresh['POSTGRES_PASSWORD']}'"
            psql = ("psql", "--username", "parcels", "--dbname", "parcels", "--set", "ON_ERROR_STOP=1")
            # By its own socket, which asks for no password; on standard input, since others see command lines.
            compose.run(settings, "exec", "--no-TTY", "postgres", *psql, given=statement)
        state.replace_secrets(settings, fresh)
        start(Settings.load(settings.checkout, settings.environ), say)


def places(settings: Settings) -> dict[str, str]:
    """{what a user looks for: where it is}, of a stack that is up."""
    services = compose.config(settings)["services"]
    found = {}
    if "nginx" in services:
        found["Front end"] = settings.nginx_url
        found["API"] = f"{settings.nginx_url}/api/"
        found["Flower"] = f"{settings.nginx_url}/flower/"
    if "elasticsearch" in services:
        found["Elasticsearch"] = settings.elasticsearch_url
    if "kibana" in services:
        scheme, _, address = settings.elasticsearch_url.rpartition(":")[0].partition("://")
        found["Kibana"] = f"{scheme}://{address}:{settings.variables.get('KIBANA_PORT', '5601')}"
    found["Passwords"] = str(settings.secrets_file)
    return found


def show_logs(settings: Settings, service: str, lines: int, follow: bool) -> None:
    """Become `docker compose logs`, or `tail` on the files of a service that prints nothing. Raises RuntimeFailure."""
    services = compose.config(settings)["services"]
    names = sorted({*services, *state.SERVICES})
    if service not in names:
        raise RuntimeFailure(f"There is no {service}. There are: {', '.join(names)}.")
    if service in FILE_SERVICES:
        # tail -F goes on with a file that is rotated, or made later.
        script = f'exec tail -n "$1" $2 {LOGS}/{service}/*.log'
        command = ["exec", "--no-TTY", "nginx", "sh", "-c", script, "sh", str(lines), "-F" if follow else "-q"]
    else:
        command = ["logs", "--no-log-prefix", "--tail", str(lines), *(["--follow"] if follow else []), service]
    command = compose.command(settings, *command)
    os.chdir(settings.checkout)
    os.execvpe(command[0], command, compose.environment(settings))  # noqa: S606
