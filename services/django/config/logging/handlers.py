"""What the handlers here have in common."""

import logging


class LocklessHandler(logging.Handler):
    """A handler that takes no lock of its own: what it hands records to has one."""

    def handle(self, record: logging.LogRecord) -> bool:
        found = self.filter(record)
        if not found:
            return False
        self.emit(found if isinstance(found, logging.LogRecord) else record)
        return True
