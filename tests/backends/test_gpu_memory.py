"""The memory of a GPU that nets leave behind when they are gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
KEEPS = "try:\n    import nowhere\nexcept ImportError as error:\n    kept = error\n"
TRAINED = """
import standin
standin.install()
import gc
import gpufa
gpufa.train(gpufa.Config(epochs=1, backend="cupy", hidden=[300, 300], data="digits"))
import cupy
import optuna
assert optuna.kept.__traceback__
gc.collect()
print(cupy.get_default_memory_pool().used_bytes())
gpufa.train(gpufa.Config(epochs=1, backend="cupy", hidden=[300, 300], data="digits"))
gc.collect()
print(cupy.get_default_memory_pool().used_bytes(), any(isinstance(one, gpufa.Network) for one in gc.get_objects()))
"""


@pytest.mark.gpu
@pytest.mark.standin_only
def test_no_net_stays_behind_because_of_what_cupy_imports(tmp_path):
    """CuPy imports Optuna, which keeps the error of a module that is not there."""
    (tmp_path / "optuna").mkdir()
    (tmp_path / "optuna/__init__.py").write_text(KEEPS)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", TRAINED],
        cwd=TESTS,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, last, kept = done.stdout.split()[-3:]
    assert kept == "False"
    assert int(last) <= int(first)
