"""The fixtures of tests of commands."""

import pytest
from commandlab import FAST, run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with one finished run in runs/digits-dfa."""
    cwd = tmp_path_factory.mktemp("cwd")
    done = run("train", *FAST, cwd=cwd)
    return cwd, done
