"""Runs and tests Logstash pipeline files in Python. See README.md beside this file."""

from .errors import ConfigError, PipelineCrash
from .pipeline import Pipeline

__all__ = ["ConfigError", "Pipeline", "PipelineCrash"]
