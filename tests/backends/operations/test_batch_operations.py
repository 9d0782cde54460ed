"""Operations of a step of both backends against plain NumPy: its samples, ticks, updates, jobs."""

import itertools

import numpy as np
import pytest
from operationlab import ALL, draw, every_dtype, near, rng

from gpufa.backends.operations.operands import Gate, Outputs, Rates, Samples, Ticks
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.losses import LOSSES
from gpufa.functions.optimizers import DECAYS, OPTIMIZERS, Hyper, apply, clip_factor


@every_dtype
@pytest.mark.parametrize("source", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("columns", [16, 5])
def test_load(backend, dtype, source, columns):
    rows, table = rng.integers(0, 255, (90, columns)).astype(source), draw(2, 40, dtype=dtype)
    order = np.stack([rng.permutation(90) for _ in range(2)])
    shift, factor, one_hot = draw(columns, dtype=dtype), draw(columns, dtype=dtype), np.eye(35, dtype=dtype)
    labels, noisy, real = np.arange(90) % 35, rng.integers(0, 35, (2, 90)), draw(90, 35, dtype=dtype)
    for m, scaling, (y, taught) in itertools.product(
        (40, 3),
        (None, (shift, factor)),
        ((labels, one_hot[labels[order]]), (noisy, one_hot[np.take_along_axis(noisy, order, 1)]), (real, real[order])),
    ):
        samples = Samples(
            *map(backend.to_device, (rows, y, order)), 45, scaling and tuple(map(backend.to_device, scaling))
        )
        ticks = Ticks(*map(backend.to_device, (np.array([6, -1]), table)), backend.zeros((40,), dtype))
        x, targets = backend.zeros((2, m + 2, columns), dtype)[:, :m], backend.zeros((2, 35, m + 3), dtype)[..., :m]
        for step in range(2):
            backend.load(ticks, samples, x, targets)
            batch = slice(45 * step, 45 * step + m)
            expected = rows[order[:, batch]].astype(dtype)
            near(backend, x, (expected - shift) * factor if scaling else expected, dtype)
            near(backend, targets, taught[:, batch].swapaxes(1, 2), dtype)
            np.testing.assert_array_equal(backend.to_host(ticks.counters), [7 + step, step])
            np.testing.assert_array_equal(backend.to_host(ticks.now), table[step])


@every_dtype
@pytest.mark.parametrize(("classes", "m"), [(3, 9), (1, 1), (35, 70)])
def test_targets(backend, dtype, classes, m):
    labels, noisy, real = np.arange(m) % classes, rng.integers(0, classes, (2, m)), draw(m, classes, dtype=dtype)
    one_hot = np.eye(classes, dtype=dtype)
    for y, every in ((labels, one_hot[np.stack([labels] * 2)]), (noisy, one_hot[noisy]), (real, np.stack([real] * 2))):
        out = backend.zeros((2, classes, m + 1), dtype)[..., :m]
        backend.targets(backend.to_device(y), out=out)
        near(backend, out, every.swapaxes(1, 2), dtype)


@every_dtype
def test_tick(backend, dtype):
    table = draw(3, 40, dtype=dtype)
    ticks = Ticks(*map(backend.to_device, (np.array([6, -1]), table)), backend.zeros((40,), dtype))
    for step in range(3):
        backend.tick(ticks)
        np.testing.assert_array_equal(backend.to_host(ticks.counters), [7 + step, step])
        np.testing.assert_array_equal(backend.to_host(ticks.now), table[step])


@every_dtype
def test_clip_factors(backend, dtype):
    g = draw(3, 3001, dtype=dtype) * np.array([[1e-6], [1], [100]], dtype)
    out = backend.clip_factors(backend.to_device(g), 2.0, out=backend.zeros((3,), dtype))
    expected = [clip_factor(np.linalg.norm(one.astype("f8")), 2.0) for one in g]
    np.testing.assert_allclose(backend.to_host(out), expected, rtol=1e-6 if dtype == "float32" else 1e-12)


@every_dtype
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("n", [64, 61])
@pytest.mark.parametrize("decay", [*DECAYS, None])
def test_optimizer_update(either, dtype, name, n, decay):
    row, weight_decay = OPTIMIZERS[name], 0.1 if decay else 0.0
    arrays = [draw(2, n, dtype=dtype), draw(2, n, dtype=dtype), *(rng.random((2, n)).astype(dtype) for _ in row.states)]
    hyper = Hyper(0.0, weight_decay, row.momentum, row.beta2, row.eps)
    now, clip = np.array([1.5, 2.5, 0.0, row.lr], dtype), np.array([1.0, 0.25], dtype)
    device = [either.to_device(np.concatenate([x, x], axis=1))[:, n:] for x in arrays]
    rates = Rates(either.to_device(now), 1, either.to_device(clip))
    either.optimizer_update(row, device[0], device[1], device[2:], hyper, decay or "l2", rates)
    for r in range(2):
        p, g, *states = (x[r] for x in arrays)
        c = hyper._replace(lr=float(now[3]), unbias1=1.5, unbias2=2.5)
        apply(row, p, g * clip[r], states, np.empty(n, dtype), c, decay or "l2")
    for found, expected in zip([device[0], *device[2:]], [arrays[0], *arrays[2:]], strict=True):
        near(either, found, expected, dtype)


def test_empty_batches_are_nothing_to_do(either):
    R, n, units = 2, 5, 3
    a, h, y, e = (either.zeros((R, rows, 0), "float64") for rows in (n, n, units, units))
    W, x, b = either.zeros((R, n, 4), "float64"), either.zeros((R, 0, 4), "float64"), either.zeros((R, n), "float64")
    either.layer(W, x.swapaxes(1, 2), b, ACTIVATIONS["gelu"], a=a, h=h)
    value, missed, sums = (
        either.zeros((R, 0), "float64"),
        either.zeros((R, 0), "bool"),
        either.to_device(np.ones((2, R))),
    )
    if either.name == "cupy":  # NumPy has no largest of nothing
        either.output_error(Outputs(LOSSES["cross_entropy"], y, y, e, value, missed, sums))
    either.feedback_delta(either.zeros((R, n, units), "float64"), e, [Gate(ACTIVATIONS["tanh"], h, None, ALL)], out=a)
    dW, db = either.to_device(np.ones((R, n, 4))), either.to_device(np.ones((R, n)))
    either.gemm(a, x, out=dW)
    either.row_sums(a, out=db)
    for array, expected in ((dW, 0), (db, 0), (sums, 1)):
        np.testing.assert_array_equal(either.to_host(array), expected)


def test_parallel_jobs_are_all_done(backend):
    out = backend.zeros((7, 3), "float64")
    backend.parallel([lambda i=i: out[i].fill(i) for i in range(7)])
    np.testing.assert_array_equal(backend.to_host(out)[:, 0], range(7))
