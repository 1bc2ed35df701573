"""A stack of the tests' own in containers: own project, ports, subnets and volumes, all removed at the end.

Started by testcontainers as a user starts it by hand, with both compose files. Skipped, with the reason, where no
engine answers or an image is missing: nothing is pulled. STACK_VERSION says which images of the Elastic side are taken,
by default the stand-ins of `python -m tests.containers.images`.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from testcontainers.compose import DockerCompose

from containers import compose, preflight, runtime, secret_files
from containers.compose import ComposeFailure
from native import state
from native.runtime import is_settled
from native.settings import Settings, free_ports
from stack.counting import counter, in_log_volume
from stack.traffic import drive, settle
from stack.written import Mark
from tests.containers.images.__main__ import TAG
from tests.integration.conftest import Stack
from tests.paths import ROOT
from tests.polling import poll_until

START_SECONDS = 420


class ContainerStack(Stack):
    @property
    def project(self) -> str:
        return self.environ["COMPOSE_PROJECT_NAME"]

    def read(self, file: str) -> str:
        return in_log_volume(self.settings, "cat", f"{runtime.LOGS}/{file}")

    def container(self, service: str) -> dict:
        """docker's account of a service's container."""
        return compose.inspect(self.project)[service]

    @contextmanager
    def stopped(self, service: str) -> Iterator[None]:
        compose.docker("stop", container := self.container(service)["Id"])
        try:
            yield
        finally:
            compose.docker("start", container)

    def wait_until_healthy(self, seconds: float = 120) -> None:
        poll_until("every part to be healthy", lambda: is_settled(runtime.parts(self.settings)), seconds, interval=1)


def missing(settings: Settings) -> str | None:
    """Why no stack can be started here."""
    if problems := preflight.engine_problems():
        return problems[0].what
    config = compose.config(settings)
    for service in runtime.pulled(config):
        image = config["services"][service]["image"]
        try:
            compose.docker("image", "inspect", "--format", "{{.Id}}", image)
        except ComposeFailure:
            return f"the image {image} is not here"
    return None


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("containers")
    environ = {
        **os.environ,
        **free_ports(),
        "RUNTIME": "docker",
        "ELK": "here",
        "APP": "here",
        "TLS": "off",
        "LOG_GROUP": "pt",
        "COMPOSE_PROFILES": "minimal",
        "COMPOSE_PROJECT_NAME": f"pt-test-{uuid.uuid4().hex[:6]}",
        "STACK_VERSION": os.environ.get("STACK_VERSION", TAG),
        "PT_STATE": str(folder / "state"),
        "TLS_DIR": str(folder / "tls"),
        "NOISY_LOG_LEVEL": "INFO",
    }
    settings = Settings.load(environ=environ)
    if reason := missing(settings):
        pytest.skip(reason)
    taken = [subnet for _, subnet in [*preflight.docker_subnets(""), *preflight.host_subnets()]]
    for variable in ("ELK_SUBNET", "APP_SUBNET"):
        taken.append(preflight.free_subnet(taken))
        environ[variable] = str(taken[-1])
    stack = ContainerStack(Settings.load(environ=environ), environ)
    state.prepare_home(stack.settings)
    state.generate_secrets(stack.settings)
    secret_files.write(stack.settings)
    project = DockerCompose(ROOT, [str(path) for path in compose.files(stack.settings)], build=True, wait=False)
    try:
        with given(stack.settings):
            project.start()
        stack.wait_until_healthy(START_SECONDS)
        yield stack
    finally:
        with given(stack.settings):
            project.stop()


@contextmanager
def given(settings: Settings):
    """The environment of a `docker compose` that somebody else calls."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in compose.environment(settings).items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def visited(stack) -> dict[Path, tuple[str, int, int]]:
    """Real traffic, settled: {file: (service, records, documents)}."""
    mark = Mark(counter(stack.settings))
    mark.offsets.clear()  # from the first line of each file on
    drive(stack.settings, requests=150)
    return settle(stack.settings, mark)
