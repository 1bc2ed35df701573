"""Logging of the Python services: line formats, shared rotating files, context and the configuration made of them.

`build_logging` is the way in; `context` binds values that each record then carries. Nothing here knows the apps.
"""

from .config import build_logging

__all__ = ["build_logging"]
