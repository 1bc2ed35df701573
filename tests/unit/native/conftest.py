import pytest

from native.settings import Settings, free_ports
from tests.paths import ROOT


@pytest.fixture
def settings(tmp_path):
    """A stack of the test's own: its state and cache below tmp_path, on free ports."""
    environ = {"PT_STATE": str(tmp_path / "state"), "PT_CACHE": str(tmp_path / "cache"), **free_ports()}
    return Settings.load(checkout=ROOT, environ=environ)
