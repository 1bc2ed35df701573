"""Which runtime drives the stack: RUNTIME of the environment or .env, or at the very first `make up` what is there."""

import os
from pathlib import Path
from types import ModuleType

import containers.runtime
import native.runtime
from containers import preflight
from native.settings import CHECKOUT, DOCKER, NATIVE, Settings

RUNTIMES = {NATIVE: native.runtime, DOCKER: containers.runtime}


def module(settings: Settings) -> ModuleType:
    """native.runtime or containers.runtime: what one offers, the other does too."""
    return RUNTIMES[settings.runtime]


def has_application(settings: Settings) -> bool:
    """Whether the application and its Filebeat are this host's."""
    return settings.runtime != DOCKER or settings.choice("APP") == "here"


def has_elastic_side(settings: Settings) -> bool:
    """Whether Logstash and Elasticsearch are this host's."""
    return settings.runtime != DOCKER or settings.choice("ELK") == "here"


def load_settings(checkout: Path = CHECKOUT) -> Settings:
    """The settings, with a runtime. Raises SettingsError.

    Before the first `make up`, which makes .env, it is Docker where an engine and compose answer, else native;
    `make up` then keeps the choice in .env.
    """
    settings = Settings.load(checkout)
    if "RUNTIME" in settings.variables or (checkout / ".env").exists():
        return settings
    found = NATIVE if preflight.engine_problems() else DOCKER
    return Settings.load(checkout, {**os.environ, "RUNTIME": found})
