"""Logging of the Python services: line formats, shared rotating files, context, redaction, configuration.

`build_logging` is the way in, with the options that `from_environment` reads; `context` binds values that each record
then carries; `flush` has everything written. Nothing here knows the apps. README.md tells how to use it elsewhere.
"""

from . import context
from .background import flush
from .config import build_logging
from .environment import from_environment

__all__ = ["build_logging", "context", "flush", "from_environment"]
