"""Records for Logstash's tcp input, straight from the process: for where no Filebeat can read the files."""

import itertools
import json
import logging
import os
import secrets

from .catalogue import Catalogue


class LogstashFormatter(logging.Formatter):
    """The event that Filebeat would send for a record's line, as one JSON object: the pipeline treats both alike.

    ``{"message": <line or lines>, "group", "service", "stream", "log": {"file": {"fingerprint"}, "offset"}}``. Where
    the line stands in a file is what a document's id is made of; here a number stands for it, the process's own: an
    event sent twice is stored once. `services` names those whose loggers are not `service`'s, by a logger's first
    component.
    """

    def __init__(
        self, line: logging.Formatter, *, catalogue: Catalogue, service: str, services: dict[str, str], group: str
    ) -> None:
        super().__init__()
        self._line = line
        self._catalogue = catalogue
        self._service = service
        self._services = services
        self._group = group
        self._source = secrets.token_hex(16)
        self._numbers = itertools.count()

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "message": self._line.format(record),
            "group": self._group,
            "service": self._services.get(record.name.partition(".")[0], self._service),
            "stream": self._catalogue.stream(record.name),
            "log": {"file": {"fingerprint": f"{self._source}-{os.getpid()}"}, "offset": next(self._numbers)},
        }
        return json.dumps(event)
