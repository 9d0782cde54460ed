"""What all tests of several processes go by."""

import pytest

from gpufa import plots


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """They would take most of the time."""
    monkeypatch.setattr(plots, "curves", lambda *_: None)
