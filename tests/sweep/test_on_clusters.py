"""The examples for clusters, as processes on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sweeplab import written

pytest.importorskip("optuna")
EXAMPLES = Path(__file__).parents[2] / "examples" / "sweep"


@pytest.fixture
def environment(tmp_path):
    """With a command gpufa of this Python's."""
    command = tmp_path / "bin" / "gpufa"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gpufa "$@"\n')
    command.chmod(0o755)
    return os.environ | {"PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a SLURM script is one of bash")
def test_a_slurm_array(tmp_path, environment):
    """As many workers as the array has tasks, at once, each in its task's environment."""
    out = tmp_path / "study"
    command = ["bash", str(EXAMPLES / "array.sbatch"), str(written(tmp_path)), "--out", str(out)]
    tasks = [
        subprocess.Popen(
            command,
            env=environment | {"SLURM_ARRAY_TASK_ID": str(n), "SLURM_SUBMIT_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for n in (1, 2)
    ]
    said = [task.communicate(timeout=180)[0] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], said
    assert all(f"worker {n} on" in text for n, text in enumerate(said, start=1))
    assert sum(text.count("\ntrials/") for text in said) == 6
    assert (out / "compare.md").exists()


@pytest.mark.skipif(os.name != "posix", reason="a SLURM script is one of bash")
def test_a_slurm_script_outside_of_an_array_says_what_it_lacks(tmp_path, environment):
    environment.pop("SLURM_ARRAY_TASK_ID", None)
    done = subprocess.run(
        ["bash", EXAMPLES / "array.sbatch"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode
    assert "is set by SLURM; or say which worker this is" in done.stderr


@pytest.mark.slow
def test_submitit(tmp_path, environment):
    pytest.importorskip("submitit")
    out = tmp_path / "study"
    script = [sys.executable, str(EXAMPLES / "with_submitit.py"), str(written(tmp_path)), str(out), "2", "local"]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=180, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "exit codes: 0 0\n"
    assert (out / "compare.md").exists()


def test_the_example_study_is_one(monkeypatch):
    from gpufa.sweep.studyfile import read

    found = read(EXAMPLES / "digits.toml")
    assert [arm.name for arm in found.arms] == ["bp", "shallow", "dfa"]
    assert found.fresh == (1, 2, 3, 4, 5)
