"""Every optimizer against vectors that PyTorch's own recorded, and the schedules."""

import tracemalloc

import numpy as np
import pytest
from optimizerlab import RECORDED, hyper

from gpufa.basics.errors import InvalidValue
from gpufa.functions.optimizers import CHUNK, DECAYS, OPTIMIZERS, apply, clip_factor, optimizer
from gpufa.functions.schedules import factor

every_row = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=lambda row: row.name)


@every_row
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("chunk", [40, 7])
def test_equals_pytorch(row, decay, chunk):
    p, t = RECORDED["start"].copy(), np.empty(chunk)
    states = [np.zeros_like(p) for _ in row.states]
    expected = RECORDED[f"{row.name}_{decay}"]
    for step, (g, rate) in enumerate(zip(RECORDED["gradients"], RECORDED["rates"], strict=True), start=1):
        apply(row, p, g.copy(), states, t, hyper(row, lr=rate, step=step, weight_decay=decay), row.decay)
        np.testing.assert_allclose(p, expected[step - 1], rtol=1e-12, atol=1e-12)


def test_decoupled_decay_of_any_optimizer_is_adamws():
    row, p = OPTIMIZERS["adam"], RECORDED["start"].copy()
    states = [np.zeros_like(p) for _ in row.states]
    for step, (g, rate) in enumerate(zip(RECORDED["gradients"], RECORDED["rates"], strict=True), start=1):
        apply(row, p, g.copy(), states, np.empty(40), hyper(row, lr=rate, step=step, weight_decay=0.1), "decoupled")
    np.testing.assert_allclose(p, RECORDED["adamw_0.1"][-1], rtol=1e-12)


@every_row
def test_a_shift_takes_the_same_off_every_parameter(row):
    """What stood in the seminar slides' code for weight decay: w -= lr * g + decay."""
    p, g = RECORDED["start"].copy(), RECORDED["gradients"][0]
    plain, shifted = (p.copy() for _ in range(2))
    for out, size in ((plain, 0.0), (shifted, 0.1)):
        states = [np.zeros_like(p) for _ in row.states]
        apply(row, out, g.copy(), states, np.empty(7), hyper(row, weight_decay=size), "shift")
    np.testing.assert_allclose(shifted, plain - 0.1, rtol=0, atol=1e-15)


@every_row
def test_float32_stays_float32_and_nothing_is_allocated(row):
    n = 2 * CHUNK + 5
    p, g, t = np.ones(n, np.float32), np.ones(n, np.float32), np.empty(CHUNK, np.float32)
    states = [np.zeros_like(p) for _ in row.states]
    for decay in DECAYS:
        apply(row, p, g, states, t, hyper(row, weight_decay=0.1), decay)
        tracemalloc.start()
        apply(row, p, g, states, t, hyper(row, weight_decay=0.1), decay)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10_000
    assert p.dtype == np.float32
    assert p[0] == p[-1]
    assert p[0] < 1


def test_clipping_equals_pytorchs():
    g = RECORDED["gradients"][0]
    np.testing.assert_allclose(g * clip_factor(np.linalg.norm(g), 0.5), RECORDED["clipped"], rtol=1e-14)
    assert clip_factor(np.linalg.norm(g), 1e6) == 1.0


def test_unknown_optimizer():
    with pytest.raises(InvalidValue, match="unknown optimizer 'lion'; choose one of sgd, momentum"):
        optimizer("lion")


@pytest.mark.parametrize(
    ("name", "kw", "expected"),
    [
        ("constant", {}, [1, 1, 1, 1, 1, 1]),
        ("step", {"every": 2, "gamma": 0.5}, [1, 1, 1, 1, 0.5, 0.5]),
        ("cosine", {}, [1, 0.9330127, 0.75, 0.5, 0.25, 0.0669873]),
        ("constant", {"warmup": 4}, [0.25, 0.5, 0.75, 1, 1, 1]),
        ("cosine", {"warmup": 2}, [0.5, 0.9330127, 0.75, 0.5, 0.25, 0.0669873]),
    ],
)
def test_schedules(name, kw, expected):
    """Six steps, two an epoch."""
    found = [factor(name, step=s, steps_per_epoch=2, total_steps=6, **kw) for s in range(6)]
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_unknown_schedule():
    with pytest.raises(InvalidValue, match="unknown schedule 'linear'; choose one of constant, step, cosine"):
        factor("linear", step=0, steps_per_epoch=1, total_steps=1)
