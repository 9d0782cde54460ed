"""What other systems lack or do otherwise, simulated: gpufa does without it."""

import os
import signal

import numpy as np
import pytest
import threadpoolctl
from machinelab import forget
from traininglab import DATA, config, parameters, same

import gpufa
from gpufa.backends import get_backend
from gpufa.basics import files


@pytest.fixture
def whole():
    return parameters(gpufa.train(config(), DATA))


@pytest.fixture
def ctrl_c():
    """Heard, though the tests may have been started where it is ignored."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, old)


@pytest.mark.usefixtures("ctrl_c")
def test_without_sighup_ctrl_c_saves_all_the_same(monkeypatch, tmp_path, whole):
    monkeypatch.delattr(signal, "SIGHUP")

    class Stop(gpufa.Callback):
        def on_step(self, trainer):
            if trainer.progress.step == 8:
                signal.raise_signal(signal.SIGINT)

    run = gpufa.train(config(out=str(tmp_path)), DATA, callbacks=[Stop()], on_interrupt="return")
    assert run.interrupted
    same(parameters(gpufa.resume(tmp_path, data=DATA)), whole)


def test_where_folders_can_not_be_synced_files_are_written(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(files.os, "name", "nt")
    monkeypatch.setattr(files.os, "open", lambda *a, **k: opened.append(a))
    files._sync(tmp_path)
    assert not opened


@pytest.mark.usefixtures("fresh")
def test_without_a_compiler_numpy_updates_to_rounding(monkeypatch):
    monkeypatch.setenv("GPUFA_CXX", "")
    forget()
    by_numpy = gpufa.train(config(optimizer="sgd", lr=0.1), DATA)
    assert by_numpy.network.backend.describe()["optimizer pass"] == "NumPy (no C++ compiler that works)"
    monkeypatch.delenv("GPUFA_CXX")
    forget()
    same(parameters(by_numpy), parameters(gpufa.train(config(optimizer="sgd", lr=0.1), DATA)), exact=False)


def test_a_blas_that_threadpoolctl_does_not_know_is_named_by_numpy(monkeypatch):
    monkeypatch.setattr(threadpoolctl, "threadpool_info", list)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    facts = get_backend("numpy").describe()
    assert facts["BLAS"] == f"{np.show_config('dicts')['Build Dependencies']['blas']['name']}, by NumPy's build"
    assert facts["processor"].endswith(f"{os.cpu_count()} cores")


@pytest.mark.parametrize(
    ("flags", "said"), [("fma avx2 avx512f", "P with AVX-512"), ("avx2", "P with AVX2"), ("", "P")]
)
def test_processors_of_one_name_are_told_apart_by_their_vectors(tmp_path, monkeypatch, flags, said):
    file = tmp_path / "cpuinfo"
    file.write_text(f"model name\t: P\nflags\t\t: {flags}\n\nmodel name\t: P\nflags\t\t: {flags}\n")
    monkeypatch.setattr("gpufa.backends.cpu.machine.facts.Path", lambda name: file)
    assert get_backend("numpy").describe()["processor"].startswith(f"{said}, ")
