"""Operations of a layer of both backends against plain NumPy: sums, activations, gates, feedback, errors."""

from functools import partial

import numpy as np
import pytest
from operationlab import draw, every_dtype, every_size, near, rng, slab

from gpufa.backends import get_backend
from gpufa.backends.gpu.feedback import SMALL
from gpufa.backends.operations.keyed import KeyedMatrix, Stretch
from gpufa.backends.operations.operands import Gate, Outputs
from gpufa.basics.laws import LAWS
from gpufa.basics.random import Generator, Purpose
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.losses import LOSSES


@every_dtype
@every_size
def test_row_sums(backend, dtype, replicas, rows, columns):
    delta, start = draw(replicas, rows, columns, dtype=dtype), draw(replicas, rows, dtype=dtype)
    for alpha, beta in ((-0.5, 0.25), (1.0, 0.0)):
        for factor in (alpha, backend.to_device(np.array([alpha], dtype))):
            out = backend.to_device(start.copy())
            backend.row_sums(slab(backend, delta), out=out, alpha=factor, beta=beta)
            near(backend, out, alpha * delta.sum(axis=-1, dtype="f8") + beta * start, dtype)


@every_dtype
def test_rows_that_blocks_share(backend, dtype):
    """Side by side too, as whole numbers, whose sums are exact."""
    deltas = [np.round(draw(2, 3, 20000, dtype=dtype)) for _ in range(3)]
    placed, outs = [backend.to_device(d) for d in deltas], [backend.zeros((2, 3), dtype) for _ in deltas]
    for beta in (0.0, 1.0):
        sums = (partial(backend.row_sums, d, out, 0.5, beta) for d, out in zip(placed, outs, strict=True))
        backend.parallel(list(sums))
    for d, out in zip(deltas, outs, strict=True):
        np.testing.assert_array_equal(backend.to_host(out), d.sum(-1))


@every_dtype
@every_size
def test_layer(backend, dtype, replicas, rows, columns):
    W, x, b = (draw(*shape, dtype=dtype) for shape in ((replicas, rows, 3), (replicas, columns, 3), (replicas, rows)))
    mask = (rng.random((replicas, rows, columns)) < 0.5).astype(dtype) * 2
    expected = W @ x.swapaxes(1, 2) + b[..., None]
    W, x, b = map(backend.to_device, (W, x, b))
    for name in (None, "gelu", "tanh"):
        activation = ACTIVATIONS.get(name)
        a, h, sent = (slab(backend, np.zeros_like(expected)) for _ in range(3))
        backend.layer(W, x.swapaxes(1, 2), b, activation, a=a, h=h, mask=slab(backend, mask), sent=sent)
        if not activation or activation.of == "a":
            near(backend, a, expected, dtype)
        if activation:
            out = np.empty_like(expected)
            activation.value(expected, out)
            near(backend, h, out, dtype)
            near(backend, sent, out * mask, dtype)


@every_dtype
@every_size
def test_activate(backend, dtype, replicas, rows, columns):
    start = draw(replicas, rows, columns, dtype=dtype)
    mask = (rng.random(start.shape) < 0.5).astype(dtype) * 2
    for name in ("gelu", "tanh"):
        a, h, sent = slab(backend, start), *(slab(backend, np.zeros_like(start)) for _ in range(2))
        out = np.empty_like(start)
        ACTIVATIONS[name].value(start, out)
        backend.activate(ACTIVATIONS[name], a, h)
        near(backend, h, out, dtype)
        near(backend, sent, np.zeros_like(out), dtype)
        backend.activate(ACTIVATIONS[name], a, h, slab(backend, mask), sent)
        near(backend, sent, out * mask, dtype)
        near(backend, a, start, dtype)


@every_dtype
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_in_a_layer_and_a_gate(either, dtype, name):
    activation, (replicas, rows, columns) = ACTIVATIONS[name], (2, 5, 8)
    a = np.concatenate([draw(2, 5, 6), rng.normal(size=(2, 5, 2)) * 30], axis=-1).astype(dtype)
    W, x = either.zeros((replicas, rows, 1), dtype), either.zeros((replicas, columns, 1), dtype)
    W[...] = 1
    device_a, h = either.to_device(a[:, 0, :, None].swapaxes(1, 2)), either.zeros(a.shape, dtype)
    x[...] = device_a.swapaxes(1, 2)
    pre = either.zeros(a.shape, dtype)
    either.layer(W, x.swapaxes(1, 2), either.zeros((replicas, rows), dtype), activation, a=pre, h=h)
    expected, g = np.empty_like(a), np.empty_like(a)
    logits = np.repeat(a[:, :1], rows, axis=1)
    activation.value(logits, expected)
    near(either, h, expected, dtype)
    z = logits if activation.of == "a" else expected
    activation.derivative(z, g, np.empty_like(a))
    delta = draw(*a.shape, dtype=dtype)
    found = either.to_device(delta.copy())
    either.gate(found, [Gate(activation, either.to_device(z), None, slice(0, rows))])
    near(either, found, delta * g, dtype)


@every_dtype
@pytest.mark.parametrize("rows", [3, 130])
@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.learns and name != "identity"])
def test_what_is_no_number_shows_in_the_derivative(backend, name, rows, dtype):
    z, delta = np.full((1, rows, 130), np.nan, dtype), np.ones((1, rows, 130), dtype)
    gate, found = Gate(ACTIVATIONS[name], backend.to_device(z), None, slice(0, rows)), backend.to_device(delta)
    out = backend.zeros(delta.shape, dtype)
    backend.gated(found, gate, out=out)
    backend.gate(found, [gate])
    for one in (found, out):
        assert np.isnan(backend.to_host(one)).all()


@every_dtype
def test_a_gate_of_nothing_lets_all_through(backend, dtype):
    delta = draw(2, 5, 7, dtype=dtype)
    placed, out = backend.to_device(delta), backend.zeros(delta.shape, dtype)
    backend.gated(placed, Gate(None, placed, None, slice(0, 5)), out=out)
    backend.gate(placed, [Gate(None, placed, None, slice(1, 3))])
    for one in (placed, out):
        np.testing.assert_array_equal(backend.to_host(one), delta)


def gates_of(backend, z, mask):
    """Two activations and rows without f', each on their own rows."""
    cuts = [0, z.shape[1] // 3, z.shape[1] // 2, z.shape[1]]
    gates, g = [], np.empty_like(z)
    for name, start, stop in zip(("tanh", "gelu", None), cuts[:-1], cuts[1:], strict=True):
        rows, f = slice(start, stop), ACTIVATIONS.get(name)
        gates.append(Gate(f, slab(backend, z)[:, rows], slab(backend, mask)[:, rows], rows))
        g[:, rows] = 1
        if f:
            f.derivative(z[:, rows], g[:, rows], np.empty_like(z[:, rows]))
    return gates, g * mask


@every_dtype
@pytest.mark.parametrize("inner", [1, 10, SMALL, SMALL + 1])
@every_size
def test_feedback_delta(backend, dtype, inner, replicas, rows, columns):
    rows = max(rows, 4)
    matrix, e, z, mask = (
        draw(*shape, dtype=dtype)
        for shape in ((replicas, rows, inner), (replicas, inner, columns), *[(replicas, rows, columns)] * 2)
    )
    gates, g = gates_of(backend, z, mask)
    expected = (matrix @ e) * g
    transposed = backend.to_device(matrix.swapaxes(1, 2).copy()).swapaxes(1, 2)
    for given in (backend.to_device(matrix), transposed):
        out = slab(backend, np.zeros_like(z))
        backend.feedback_delta(given, backend.to_device(e), gates, out=out)
        near(backend, out, expected, dtype)


@every_dtype
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("inner", [1, 3, 10, SMALL + 3])
@pytest.mark.gpu
def test_keyed_feedback_is_the_stored_one(dtype, law, inner, monkeypatch):
    monkeypatch.setattr("gpufa.backends.gpu.feedback.FeedbackKernels.panel", 5 * inner * 8)  # a few rows at a time
    backend, seeds, columns = get_backend("cupy"), (3, 2**40 + 1), 7
    stretches = [Stretch(20, inner, law, 0.5, 1), Stretch(13, inner, law, 0.25, 2)]
    keyed = KeyedMatrix.stacked(backend, stretches, seeds, dtype)
    stored = np.empty((2, 33, inner), dtype)
    for r, seed in enumerate(seeds):
        for s, start in zip(stretches, (0, 20), strict=True):
            part = np.ascontiguousarray(stored[r, start : start + s.rows])
            Generator().fill(law, part, seed, Purpose.FEEDBACK, stream=s.stream, scale=s.scale)
            stored[r, start : start + s.rows] = part
    np.testing.assert_array_equal(backend.to_host(keyed.draw()), stored)
    np.testing.assert_array_equal(backend.to_host(keyed[:, 15:25].draw()), stored[:, 15:25])
    e, z, mask = draw(2, inner, columns, dtype=dtype), draw(2, 33, columns, dtype=dtype), np.ones((2, 33, columns))
    gates, _ = gates_of(backend, z, mask.astype(dtype))
    found = []
    for matrix in (keyed, backend.to_device(stored)):
        out = backend.zeros(z.shape, dtype)
        backend.feedback_delta(matrix, backend.to_device(e), gates, out=out)
        found.append(backend.to_host(out))
    np.testing.assert_array_equal(*found)


@every_dtype
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("units", "m"), [(1, 5), (10, 33), (3, 1), (20, 70)])
def test_output_error(backend, dtype, name, units, m):
    a, e = draw(2, units, m, dtype=dtype), np.empty((2, units, m), dtype)
    a[0, :, 0] = 0  # equal outputs: the first one counts
    if m > 4 and name != "squared_error":
        a[1, :, :4] *= 1e4
    y = np.zeros_like(a)
    np.put_along_axis(y, rng.integers(0, units, (2, 1, m)), 1, axis=1)
    value, t = np.empty((2, m), dtype), np.empty_like(a)
    LOSSES[name].evaluate(a, y, e, value, t)
    found = slab(backend, np.zeros_like(a))
    values, missed = backend.zeros((2, m), dtype), backend.zeros((2, m), "bool")
    backend.output_error(Outputs(LOSSES[name], slab(backend, a), backend.to_device(y), found, values, missed))
    near(backend, found, e, dtype)
    near(backend, values, value, dtype)
    np.testing.assert_array_equal(backend.to_host(missed), a.argmax(1) != y.argmax(1))
    W, x, b = draw(2, units, 3, dtype=dtype), draw(2, 3, m, dtype=dtype), draw(2, units, dtype=dtype)
    sums = backend.to_device(np.ones((2, 2)))
    for _ in range(2):
        given, out = slab(backend, a), slab(backend, np.zeros_like(a))
        outputs = Outputs(LOSSES[name], given, backend.to_device(y), out, values, missed, sums)
        backend.output(*map(backend.to_device, (W, x, b)), outputs)
    a = W @ x + b[..., None]
    LOSSES[name].evaluate(a, y, e, value, t)
    near(backend, given, a, dtype)
    near(backend, out, e, dtype)
    near(backend, values, value, dtype)
    losses, misses = backend.to_host(values).sum(-1, dtype="f8"), backend.to_host(missed).sum(-1)
    np.testing.assert_allclose(backend.to_host(sums), 1 + 2 * np.stack([losses, misses]), rtol=1e-12)
