"""Every operation of both backends against plain NumPy."""

import itertools
import tracemalloc

import numpy as np
import pytest

from gpufa.backends import get_backend
from gpufa.backends.feedback import SMALL
from gpufa.backends.keyed import KeyedMatrix, Stretch
from gpufa.backends.numpy import NumpyBackend
from gpufa.backends.operands import Gate, Outputs, Rates, Samples, Ticks
from gpufa.basics.random import LAWS, Generator, Purpose, permutation
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.losses import LOSSES
from gpufa.functions.optimizers import DECAYS, OPTIMIZERS, Hyper, apply, clip_factor

rng = np.random.default_rng(0)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
SIZES = [(2, 5, 12), (3, 17, 7), (1, 1, 1), (2, 40, 8), (1, 130, 3)]
every_size = pytest.mark.parametrize(("replicas", "rows", "columns"), SIZES)


# On the stand-in for a GPU the threads of a block run in three orders: a missing barrier shows in two of them.
EVERY_ORDER = ["numpy", *(pytest.param(order, marks=pytest.mark.gpu) for order in ("forward", "reverse", "random"))]


def opened(name, threads_in):
    """The backend of one of EVERY_ORDER."""
    if name == "numpy":
        return NumpyBackend()
    threads_in(name)
    return get_backend("cupy")


@pytest.fixture(params=EVERY_ORDER)
def backend(request, threads_in):
    return opened(request.param, threads_in)


@pytest.fixture(params=["numpy", pytest.param("cupy", marks=pytest.mark.gpu)])
def either(request):
    return get_backend(request.param)


def near(backend, found, expected, dtype="float64"):
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(backend.to_host(found), expected, rtol=tolerance, atol=tolerance)


def draw(*shape, dtype="float64"):
    return rng.normal(size=shape).astype(dtype)


def slab(backend, x):
    """On the device, as some rows of a larger slab."""
    replicas, rows, columns = x.shape
    whole = backend.zeros((replicas, rows + 3, columns), x.dtype)
    whole[:, 2 : rows + 2] = backend.to_device(x)
    return whole[:, 2 : rows + 2]


def layouts(backend, x):
    """The matrices as row-major, column-major, row slice, column slice, and every second row."""
    *lead, m, n = x.shape
    every = [slice(None)] * len(lead)
    shapes = ((m, n), (m + 3, n), (m, n + 3), (2 * m, n))
    places = ((ALL, ALL), (slice(1, m + 1), ALL), (ALL, slice(2, n + 2)), (slice(None, None, 2), ALL))
    for shape, place in zip(shapes, places, strict=True):
        array = backend.zeros((*lead, *shape), x.dtype)[(*every, *place)]
        array[...] = backend.to_device(x)
        yield array
    array = backend.zeros((*lead, n, m), x.dtype).swapaxes(-1, -2)
    array[...] = backend.to_device(x)
    yield array


ALL = slice(None)


@every_dtype
@pytest.mark.parametrize(("m", "k", "n"), [(5, 7, 3), (1, 4, 6), (4, 1, 1)])
@pytest.mark.parametrize("replicas", [(), (2,)])
def test_gemm_takes_every_layout(either, dtype, m, k, n, replicas):
    a, b, c = (draw(*replicas, *shape, dtype=dtype) for shape in ((m, k), (k, n), (m, n)))
    for left, right, out in itertools.product(*(layouts(either, x) for x in (a, b, c))):
        for alpha, beta in ((1.0, 0.0), (-0.5, 1.0), (2.0, 0.25)):
            for factor in (alpha, either.to_device(np.array([alpha], dtype))):
                out[...] = either.to_device(c)
                either.gemm(left, right, out=out, alpha=factor, beta=beta)
                near(either, out, alpha * (a.astype("f8") @ b.astype("f8")) + beta * c, dtype)


def test_gemm_of_layers_and_replicas(either):
    for lead in ((2, 3), (3, 2), (1, 4)):
        a, b = draw(*lead, 4, 5), draw(*lead, 6, 5)
        out = either.zeros((*lead, 4, 6), "float64")
        either.gemm(either.to_device(a), either.to_device(b).swapaxes(-1, -2), out=out)
        near(either, out, a @ b.swapaxes(-1, -2))


def test_gemm_broadcasts_what_all_replicas_share(either):
    w, x = draw(3, 4, 5), draw(6, 5)
    out = either.zeros((3, 4, 6), "float64")
    either.gemm(either.to_device(w), either.to_device(x).T, out=out)
    near(either, out, w @ x.T)


def test_gemm_on_empty_arrays_keeps_beta(either):
    out = either.to_device(np.ones((2, 3)))
    either.gemm(either.zeros((2, 0), "float64"), either.zeros((0, 3), "float64"), out=out, beta=1.0)
    near(either, out, np.ones((2, 3)))


def test_gemm_makes_no_temporaries():
    backend = NumpyBackend()
    a, b, out = (draw(300, 300) for _ in range(3))
    backend.gemm(a, b.T, out=out, alpha=0.1, beta=1.0)
    tracemalloc.start()
    backend.gemm(a, b.T, out=out, alpha=0.1, beta=1.0)
    backend.row_sums(a[None], out=out[None, 0], beta=1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8000


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
    monkeypatch.setattr("gpufa.backends.feedback.PANEL", 5 * inner * 8)  # a few rows at a time
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


@every_dtype
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (64,), (3, 1001)])
def test_random_numbers_are_the_same_bits_everywhere(backend, dtype, law, shape):
    seeds = (0, 2**64 - 1)
    out = backend.zeros((2, *shape), dtype)
    for step in (None, 3):
        counter = None if step is None else backend.to_device(np.array([step]))
        backend.random(law, out, seeds, Purpose.RULE, step=counter, stream=5, scale=0.3)
        for r, seed in enumerate(seeds):
            one = np.empty(shape, dtype)
            Generator().fill(law, one, seed, Purpose.RULE, stream=5, step=step or 0, scale=0.3)
            np.testing.assert_array_equal(backend.to_host(out)[r], one)


@every_dtype
def test_numbers_may_be_added(either, dtype):
    start = draw(2, 5, 7, dtype=dtype)
    out = either.to_device(start.copy())
    either.random("normal", out, (4, 9), Purpose.INPUT_NOISE, stream=5, scale=0.3, add=True)
    for r, seed in enumerate((4, 9)):
        one = Generator().fill("normal", np.empty((5, 7), dtype), seed, Purpose.INPUT_NOISE, stream=5, scale=0.3)
        near(either, out[r], start[r] + one, dtype)


@every_dtype
@every_size
def test_perturb(either, dtype, replicas, rows, columns):
    x, slope = draw(replicas, rows, columns, dtype=dtype), draw(replicas, rows, columns, dtype=dtype)
    slope[0, 0] = 0
    out = slab(either, np.zeros_like(x))
    either.perturb(slab(either, x), either.to_device(slope.copy()), 0.25, out=out)
    near(either, out, x + 0.25 * np.sign(slope), dtype)


@every_dtype
def test_dropout_masks_are_the_same_bits_everywhere(backend, dtype):
    for shape, drop in itertools.product([(5, 7), (1, 1), (64,), (9, 1001)], [0.5, 0.3, 0.999]):
        out = backend.zeros((2, *shape), dtype)
        backend.dropout(out, drop, (4, 9), backend.to_device(np.array([11])), stream=1)
        for r, seed in enumerate((4, 9)):
            expected = Generator().keep(np.empty(shape, dtype), drop, seed, stream=1, step=11)
            np.testing.assert_array_equal(backend.to_host(out)[r], expected)


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


def test_permutations(backend):
    out = backend.zeros((2, 1001), "int64")
    backend.permutations((7, 8), Purpose.SHUFFLE, 3, out=out)
    expected = [permutation(seed, Purpose.SHUFFLE, 3, 1001) for seed in (7, 8)]
    np.testing.assert_array_equal(backend.to_host(out), expected)


def test_parallel_jobs_are_all_done(backend):
    out = backend.zeros((7, 3), "float64")
    backend.parallel([lambda i=i: out[i].fill(i) for i in range(7)])
    np.testing.assert_array_equal(backend.to_host(out)[:, 0], range(7))
