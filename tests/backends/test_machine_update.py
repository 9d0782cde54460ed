"""An optimizer's pass as machine code gives NumPy's numbers, and where it can't be made NumPy does it."""

import numpy as np
import pytest
from machinelab import forget
from optimizerlab import RECORDED, hyper

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.cpu.machine import compiler, update
from gpufa.functions.optimizers import DECAYS, OPTIMIZERS, apply

rng = np.random.default_rng(0)


def needs_compiler():
    if not compiler.compiler():
        pytest.skip("no C++ compiler")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_gives_numpys_numbers(name, decay, dtype):
    needs_compiler()
    row, n = OPTIMIZERS[name], 1003
    p, g, *states = (rng.random(n).astype(dtype) for _ in range(2 + len(row.states)))
    ours = [x.copy() for x in (p, g, *states)]
    c = hyper(row, step=3, weight_decay=0.1)
    update.compiled_update(row, dtype)(ours[0], ours[1], ours[2:], 0.5, c, decay)
    np.testing.assert_array_equal(ours[1], g)
    apply(row, p, g * np.asarray(0.5, dtype), states, np.empty(n, dtype), c, decay)
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    for found, expected in zip([ours[0], *ours[2:]], [p, *states], strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_equals_pytorch(name):
    needs_compiler()
    row, p = OPTIMIZERS[name], RECORDED["start"].copy()
    states, step_of = [np.zeros_like(p) for _ in row.states], update.compiled_update(row, "float64")
    for step, (g, rate) in enumerate(zip(RECORDED["gradients"], RECORDED["rates"], strict=True), start=1):
        step_of(p, g, states, 1.0, hyper(row, lr=rate, step=step, weight_decay=0.1), row.decay)
        np.testing.assert_allclose(p, RECORDED[f"{name}_0.1"][step - 1], rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("fresh")
def test_it_is_compiled_once(tmp_path, monkeypatch):
    needs_compiler()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert update.compiled_update(OPTIMIZERS["adam"], "float32")
    (library,) = tmp_path.rglob("*.so")
    made = library.stat().st_mtime_ns
    update.compiled_update.cache_clear()
    assert update.compiled_update(OPTIMIZERS["adam"], "float32")
    assert [path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.suffix == ".so"] == [made]
    assert not list(tmp_path.rglob("*.cpp"))


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    "fault", ["none", "missing", "fails", "makes nothing", "makes rubbish", "makes another", "no cache"]
)
def test_without_it_numpy_does_the_pass(fault, tmp_path, monkeypatch):
    script = tmp_path / "c++"
    output, cxx = 'for last; do :; done; {} "$last"', compiler.compiler()
    another = output.format(f"echo 'int n;' | {cxx} -x c++ -shared -fPIC - -o" if cxx else "touch")
    texts = {"fails": "exit 1", "makes nothing": "exit 0", "makes rubbish": output.format("echo x >")}
    texts["makes another"] = another
    forget()
    script.write_text(f"#!/bin/sh\n{texts.get(fault, '')}\n")
    script.chmod(0o755)
    names = {"none": "", "missing": "no-such-compiler"}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if fault == "no cache":
        (tmp_path / "cache").write_text("a file")
    else:
        monkeypatch.setenv("GPUFA_CXX", names.get(fault, str(script)))
    assert update.compiled_update(OPTIMIZERS["adam"], "float32") is None
    assert not list(tmp_path.rglob("*.so"))  # so that a compiler that is mended is asked again
    assert NumpyBackend().describe()["optimizer pass"] == "NumPy (no C++ compiler that works)"
    from traininglab import DATA, config

    import gpufa

    assert np.isfinite(gpufa.train(config(epochs=1), DATA).summary["test_loss"]).all()
