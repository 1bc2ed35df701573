"""Each case of cases/*.yml is a test: the line and the document that the pipeline makes of it, side by side."""

from logstash_py.tester.pytest_plugin import pytest_collect_file  # noqa: F401
