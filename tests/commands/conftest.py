"""The fixtures of tests of commands."""

import pytest
from commandlab import FAST, run

from gpufa import plots


@pytest.fixture(scope="module")
def trained(tmp_path_factory, undrawn):
    """A folder with one finished run in runs/digits-dfa, whole."""
    cwd = tmp_path_factory.mktemp("cwd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "curves", undrawn)
        done = run("train", *FAST, cwd=cwd)
    return cwd, done
