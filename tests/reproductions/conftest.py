"""The fixtures of tests of reproductions."""

import pytest
from reproductionlab import SMALL

from gpufa.reproductions import experiment


@pytest.fixture
def small(tmp_path, monkeypatch):
    """An experiment of its own, "small", without figures, and the folder that it is run in."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "small.toml").write_text(SMALL)
    monkeypatch.setattr(experiment, "HERE", tmp_path / "experiments")
    return tmp_path / "out"
