"""What can go wrong, as the user sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a configuration file. `line` and `column` count from 1; `text` is the whole line, for the caret."""

    path: str
    line: int
    column: int
    text: str = ""


class ConfigError(Exception):
    """A pipeline file that can't be run.

    `stage` says how far it came, in the words of the conformance vectors: `syntax` (it does not parse), `compile` (an
    unknown plugin or option, a value of the wrong type), `register` (a plugin refuses to start) or `run`.
    """

    def __init__(self, message: str, position: Position, stage: str = "compile") -> None:
        super().__init__(message)
        self.message = message
        self.path = position.path
        self.line = position.line
        self.column = position.column
        self.text = position.text
        self.stage = stage

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}: {self.message}"
        if not self.text:
            return where
        # Tabs are kept, so that the caret stands below its character whatever a tab's width.
        margin = "".join("\t" if c == "\t" else " " for c in self.text[: self.column - 1])
        return f"{where}\n    {self.text}\n    {margin}^"


class SettingsError(Exception):
    """logstash.yml or the command line asks for something that doesn't exist."""


class InvalidReference(ValueError):
    """A text that is no field reference, such as `[a][b`."""


class FieldError(ValueError):
    """A field that can't be set: below a text, or `tags` and `@timestamp` to a value of the wrong type."""


class ConditionError(Exception):
    """A condition that can't be evaluated for an event (`<` on a missing field): Logstash drops that event and goes
    on."""


class PipelineCrash(Exception):
    """An event at which Logstash's whole pipeline would die. The service sends it to the dead letter queue instead."""
