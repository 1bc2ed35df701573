"""What can be known to keep the containers from starting is told before anything starts: all of it, with remedies."""

import ipaddress
import json
import re
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from containers import compose
from containers.compose import ComposeFailure
from native.preflight import GIB, Problem, taken_ports
from native.settings import Settings

# host-gateway; an env_file that may be absent, `pull --policy`, !reset and !override in an overlay.
ENGINE_NEEDED, COMPOSE_NEEDED = (20, 10), (2, 24, 4)
SUBNET_VARIABLES = {"elk-net": "ELK_SUBNET", "default": "APP_SUBNET"}  # of docker-compose.elk.yml
ROUTES = Path("/proc/net/route")  # Linux's; elsewhere the engine runs in a machine of its own
# ${NAME} or ${NAME:-default} of a compose file.
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)\b(?::?-(?P<default>[^}]*))?\}")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def problems(settings: Settings) -> list[Problem]:
    """Everything that would keep the stack from starting. Changes nothing."""
    if found := engine_problems():
        return found  # without them nothing else can be asked
    try:
        config = compose.config(settings)
    except ComposeFailure as error:
        return [Problem(f"The compose files cannot be read:\n{error}", "Correct them, or the variable in .env.")]
    return [
        *logstash_problems(settings, config),
        *port_problems(settings, config),
        *subnet_problems(settings, config),
        *memory_problems(settings, config),
        *secret_problems(settings, config),
    ]


def engine_problems() -> list[Problem]:
    """Whether docker, an engine that answers, and compose are there and new enough."""
    native = "or set RUNTIME=native in .env, which needs no Docker"
    try:
        engine = json.loads(compose.docker("version", "--format", "{{json .}}"))["Server"]["Version"]
    except ComposeFailure as error:
        return [Problem(f"No Docker engine answers: {error}", f"Install and start one, {native}.")]
    found = []
    if version(engine) < ENGINE_NEEDED:
        needed = ".".join(map(str, ENGINE_NEEDED))
        found.append(Problem(f"The Docker engine is {engine}, {needed} or later is needed.", f"Update it, {native}."))
    needed = ".".join(map(str, COMPOSE_NEEDED))
    try:
        plugin = compose.docker("compose", "version", "--short").strip()
    except ComposeFailure:
        return [
            *found,
            Problem(f"docker has no compose plugin; {needed} or later is needed.", f"Install it, {native}."),
        ]
    if version(plugin) < COMPOSE_NEEDED:
        found.append(Problem(f"docker compose is {plugin}, {needed} or later is needed.", f"Update it, {native}."))
    return found


def version(text: str) -> tuple[int, ...]:
    """The numbers of a version: v2.40.3-desktop.1 is (2, 40, 3)."""
    return tuple(map(int, re.match(r"v?(\d+(?:\.\d+)*)", text)[1].split(".")))


def logstash_problems(settings: Settings, config: dict) -> Iterator[Problem]:
    """Whether Filebeat's LOGSTASH_HOST can be meant."""
    if not (filebeat := config["services"].get("filebeat")):
        return
    remedy = "In .env, set LOGSTASH_HOST to Logstash's host name or address, as a container reaches it"
    host = filebeat["environment"]["LOGSTASH_HOST"]
    if host == "localhost" or host.startswith("127."):
        yield Problem(
            f"ELK=external, and LOGSTASH_HOST={host} is Filebeat's own container.",
            f"{remedy}; host.docker.internal is this machine.",
        )
    elif host == "logstash" and "logstash" not in config["services"]:
        yield Problem(
            "ELK=external, and LOGSTASH_HOST does not say where Logstash is.",
            f"{remedy}; host.docker.internal is this machine.",
        )


# Ports


def port_problems(settings: Settings, config: dict) -> list[Problem]:
    """The ports that containers publish on this machine."""
    names = variables(settings, "_PORT")
    published = {}
    for name, service in config["services"].items():
        for port in service.get("ports", []):
            variable = names.get(port["published"], f"published by {name}")
            published[variable] = (port.get("host_ip") or "0.0.0.0", int(port["published"]))  # noqa: S104
    return taken_ports(published)


def variables(settings: Settings, ending: str) -> dict[str, str]:
    """{value: the variable, with a name of this ending, that the compose files read it from}."""
    found = {}
    for file in compose.files(settings):
        for match in VARIABLE.finditer(file.read_text()):
            if match["name"].endswith(ending):
                found[settings.variables.get(match["name"], match["default"])] = match["name"]
    return found


# Subnets


def subnet_problems(settings: Settings, config: dict) -> Iterator[Problem]:
    """Whether a subnet that the compose files ask for is another network's."""
    wanted = dict(wanted_subnets(config))
    if not wanted:
        return
    names = variables(settings, "_SUBNET")
    taken = [*docker_subnets(config["name"]), *host_subnets()]
    in_use = [subnet for _, subnet in taken] + list(wanted.values())
    for name, subnet in wanted.items():
        variable = names.get(str(subnet), f"The subnet of {name}")
        if found := next(((what, other) for what, other in taken if overlap(subnet, other)), None):
            what, other = found
            free = free_subnet(in_use)
            in_use.append(free)
            yield Problem(
                f"{variable} is {subnet}, which overlaps {other}, {what}.",
                f"Set {variable} in .env to a free one, such as {free}.",
            )


def overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def wanted_subnets(config: dict) -> Iterator[tuple[str, Network]]:
    for name, network in config.get("networks", {}).items():
        for pool in ((network or {}).get("ipam") or {}).get("config") or []:
            if pool.get("subnet"):
                yield name, ipaddress.ip_network(pool["subnet"])


def docker_subnets(project: str) -> Iterator[tuple[str, Network]]:
    """(whose it is, subnet) of docker's networks, but for this project's."""
    for network in docker_networks():
        if network["Labels"].get(compose.PROJECT) != project:
            for pool in network["IPAM"]["Config"] or []:
                yield f"the docker network {network['Name']}", ipaddress.ip_network(pool["Subnet"], strict=False)


def docker_networks() -> list[dict]:
    return json.loads(compose.docker("network", "inspect", *compose.docker("network", "ls", "--quiet").split()))


def host_subnets() -> Iterator[tuple[str, Network]]:
    """(whose it is, subnet) of this machine's routes, but for the default one and those to docker's networks."""
    bridges = {f"br-{network['Id'][:12]}" for network in docker_networks()} | {"docker0"}
    for line in ROUTES.read_text().splitlines()[1:] if ROUTES.exists() else []:
        interface, address, _, _, _, _, _, mask, *_ = line.split()
        if interface not in bridges and int(mask, 16):
            # Hexadecimal, in the machine's byte order.
            number, bits = (socket.ntohl(int(field, 16)) for field in (address, mask))
            subnet = ipaddress.ip_network((number, bits.bit_count()), strict=False)
            yield f"this machine's route by {interface}", subnet


def free_subnet(taken: Iterable[Network]) -> Network:
    """A private /24 that overlaps none of `taken`."""
    taken = list(taken)
    for private in map(ipaddress.ip_network, ("172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16")):
        # From the end: Docker's own choices begin at the other one.
        for number in range(int(private.broadcast_address) - 255, int(private.network_address), -256):
            subnet = ipaddress.ip_network((number, 24))
            if not any(overlap(subnet, other) for other in taken):
                return subnet
    return ipaddress.ip_network(
        "192.0.2.0/24"
    )  # every private one is taken; this one is for documentation, and no route leads to it


# Memory


def memory_problems(settings: Settings, config: dict) -> list[Problem]:
    """Whether what the chosen services take is free, and what would fit where it is not."""
    available, needed = available_memory(), memory(config)
    if needed <= available:
        return []
    smaller = {}
    for name, value in (("COMPOSE_PROFILES", "minimal"), ("ELK", "external")):
        if settings.variables.get(name) != value and settings.choice("APP") == "here":
            smaller[f"{name}={value}"] = memory(compose.config(compose.with_variables(settings, **{name: value})))
    fits = [f"{what} needs {gib(size)} and fits" for what, size in smaller.items() if size <= available]
    remedy = f"{'; '.join(fits)} (in .env). Or end" if fits else "End"
    return [
        Problem(
            f"{gib(available)} of memory are available to containers, {gib(needed)} are needed.",
            f"{remedy} other programs, or give the engine more.",
        )
    ]


def memory(config: dict) -> int:
    """Bytes that the services take: what is reserved for each, else its limit. Jobs end before the others work."""
    services = [service for service in config["services"].values() if service.get("restart") == "unless-stopped"]
    return sum(int(service.get("mem_reservation") or service.get("mem_limit") or 0) for service in services)


def available_memory() -> int:
    """Bytes for containers: of this machine, or of the engine's own where that is a smaller one."""
    return min(psutil.virtual_memory().available, int(compose.docker("info", "--format", "{{.MemTotal}}")))


def gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"


# Secrets


def secret_problems(settings: Settings, config: dict) -> list[Problem]:
    """Whether volumes of an earlier start hold passwords that nobody knows any more."""
    kept = compose.volumes(config["name"])
    if not kept or settings.secrets_file.exists():
        return []
    return [
        Problem(
            f"{settings.secrets_file} is not there; the volumes {', '.join(sorted(kept))} may hold data under its "
            "passwords.",
            "Put it back, or remove the data: `make clean`.",
        )
    ]
