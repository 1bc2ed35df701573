"""The parts that carry a line: what they take, and with how many workers they run."""

import time
from dataclasses import dataclass

import psutil
import yaml

from native import runtime
from native.settings import Settings
from tests.polling import poll_until

PARTS = ("filebeat", "logstash", "elasticsearch")


@dataclass(frozen=True)
class Taken:
    """What a part took: seconds of processor, and the memory it has at the end, in bytes."""

    seconds: float
    memory: int


def taken(settings: Settings) -> dict[str, Taken]:
    """{part: what it took since its start}."""
    return {part: _taken(process) for part, process in _mains(settings).items()}


def between(before: dict[str, Taken], after: dict[str, Taken]) -> dict[str, Taken]:
    return {part: Taken(after[part].seconds - before[part].seconds, after[part].memory) for part in before}


def _mains(settings: Settings) -> dict[str, psutil.Process]:
    found = runtime.processes(settings)
    return {part: psutil.Process(found[part]["pid"]) for part in PARTS}


def _taken(main: psutil.Process) -> Taken:
    processes = [main, *main.children(recursive=True)]
    times = [process.cpu_times() for process in processes]
    return Taken(
        sum(time.user + time.system for time in times), sum(process.memory_info().rss for process in processes)
    )


def idle(settings: Settings, seconds: float) -> dict[str, float]:
    """{part: its share of a core} of all that runs, in `seconds` in which nobody asks anything; with the supervisor and
    the probes that it starts."""
    pids = {part: account["pid"] for part, account in runtime.processes(settings).items()}
    mains = {part: psutil.Process(pid) for part, pid in pids.items() if pid and psutil.pid_exists(pid)}
    [supervisor] = [process for process in runtime.strays(settings) if process.name() == "process-compose"]
    before = {part: _taken(main).seconds for part, main in mains.items()}
    of_supervisor = sum(supervisor.cpu_times()[:4])
    time.sleep(seconds)
    shares = {part: (_taken(main).seconds - before[part]) / seconds for part, main in mains.items()}
    return shares | {"process-compose": (sum(supervisor.cpu_times()[:4]) - of_supervisor) / seconds}


def stop(settings: Settings, part: str) -> None:
    with runtime.api(settings, timeout=60) as client:
        client.patch(f"/process/stop/{part}").raise_for_status()


def start(settings: Settings, part: str) -> None:
    with runtime.api(settings, timeout=60) as client:
        client.post(f"/process/start/{part}").raise_for_status()


def wait_until_healthy(settings: Settings, part: str) -> None:
    poll_until(f"{part} to be healthy", lambda: runtime.parts(settings)[part] == runtime.HEALTHY, 60)


def use_workers(settings: Settings, number: int) -> None:
    """Filebeat's connections and logstash_py's processes; both parts start again."""
    path = settings.run / "process-compose.yml"
    for part, option in (("filebeat", ["-E", f"output.logstash.worker={number}"]), ("logstash", ["-w", str(number)])):
        document, old = yaml.safe_load(path.read_text()), runtime.processes(settings)[part]["pid"]
        process = document["processes"][part]
        command = [*_without(process["entrypoint"], option[0]), *option]
        if process["entrypoint"] == command:
            continue
        # process-compose gives up what depends on a part that was given another command.
        process |= {"entrypoint": command, "depends_on": {}}
        runtime.write_document(settings, document)
        with runtime.api(settings, timeout=60) as client:
            client.post("/project/configuration").raise_for_status()
        poll_until(f"another {part}", lambda part=part, old=old: runtime.processes(settings)[part]["pid"] != old)
        wait_until_healthy(settings, part)


def _without(command: list[str], option: str) -> list[str]:
    at = command.index(option) if option in command else len(command)
    return command[:at] + command[at + 2 :]
