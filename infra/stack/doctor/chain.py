"""The chain that is examined: its settings and runtime, and what several checks rest on, looked at once."""

import ssl
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType

import httpx

from native.runtime import ANSWER_SECONDS
from native.settings import Settings
from stack.counting import look
from stack.runtimes import has_application, module
from stack.survey import Survey


@dataclass(frozen=True)
class Chain:
    settings: Settings
    runtime: ModuleType
    parts: dict[str, str]  # {part: state}, as runtime.parts; empty when nothing runs
    survey: Survey | None  # None where nothing runs, or the application is another host's
    memory: Future[dict[str, float]]  # as runtime.memory; raises RuntimeFailure when it is asked for
    looked_at: float  # seconds since 1970

    @classmethod
    def look(cls, settings: Settings) -> "Chain":
        runtime, now = module(settings), time.time()
        # Docker takes more than two seconds to tell it: they are not waited for here.
        pool = ThreadPoolExecutor(1)
        memory = pool.submit(runtime.memory, settings)
        pool.shutdown(wait=False)
        parts = runtime.parts(settings)
        survey = look(settings) if parts and has_application(settings) else None
        return cls(settings, runtime, parts, survey, memory, now)

    def state(self, part: str) -> str:
        return self.parts.get(part, "not there")


def elasticsearch(settings: Settings, user: str, password: str) -> httpx.Client:
    verify = ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else True
    return httpx.Client(
        base_url=settings.elasticsearch_url,
        auth=(user, settings.secrets[password]),
        verify=verify,
        timeout=ANSWER_SECONDS,
    )
