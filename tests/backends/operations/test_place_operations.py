"""What both backends do with labels, weights and misses of places, against plain NumPy."""

import numpy as np
import pytest
from operationlab import draw, every_dtype, near, rng

from gpufa.backends.operations.operands import Outputs, Samples, Ticks
from gpufa.functions.losses import LOSSES


def one_hot(labels, classes, dtype):
    """(R, classes * places, N) of labels (R, N, places), of which -1 is none."""
    hit = labels[..., None] == np.arange(classes)
    return np.moveaxis(hit, (3, 2, 1), (1, 2, 3)).reshape(len(labels), -1, labels.shape[1]).astype(dtype)


@every_dtype
@pytest.mark.parametrize(("classes", "places", "m"), [(3, 4, 9), (2, 35, 40), (65, 2, 3)])
def test_targets_of_places(backend, dtype, classes, places, m):
    shared, noisy = rng.integers(-1, classes, (m, places)), rng.integers(-1, classes, (2, m, places))
    for y, every in ((shared, np.stack([shared] * 2)), (noisy, noisy)):
        out = backend.zeros((2, classes * places, m + 1), dtype)[..., :m]
        backend.targets(backend.to_device(y), out=out, places=places)
        near(backend, out, one_hot(every, classes, dtype), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("classes", "m"), [(4, 50), (40, 7), (1, 5)])
def test_labels_are_judged_to_the_bit_as_their_targets_are(backend, dtype, loss, classes, m):
    """Those below 0 among them, and of two outputs that are the largest the first."""
    labels, a = rng.integers(-1, classes, (2, m)), draw(2, classes, m, dtype=dtype)
    a[:, :, ::5] = np.round(a[:, :, ::5])
    weight = backend.to_device(rng.choice([0.0, 0.5, 2.0], (2, m)).astype(dtype))
    found = []
    for y in labels, one_hot(labels[:, :, None], classes, dtype):
        e, value = backend.zeros((2, classes, m), dtype), backend.zeros((2, m), dtype)
        missed, sums = backend.zeros((2, m), "bool"), backend.zeros((2, 2), "float64")
        given = map(backend.to_device, (a, y))
        backend.output_error(Outputs(LOSSES[loss], *given, e, value, missed, sums, weight, True))
        found.append([backend.to_host(one) for one in (e, value, missed, sums)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("m", [40, 3])
def test_labels_of_places_stay_labels(backend, m):
    places, n = 5, 90
    order, y = np.stack([rng.permutation(n) for _ in range(2)]), rng.integers(-1, 7, (n, places))
    out = backend.zeros((2, places * n), "int64")
    backend.targets(backend.to_device(y), out=out, places=places)
    np.testing.assert_array_equal(backend.to_host(out), np.stack([y.T.reshape(-1)] * 2))
    given = map(backend.to_device, (draw(n, 6, dtype="float32"), y, order))
    samples = Samples(*given, 45, None, None, None, places)
    table = draw(2, 4, dtype="float32")
    ticks = Ticks(*map(backend.to_device, (np.array([6, -1]), table)), backend.zeros((4,), "float32"))
    x, labels = backend.zeros((2, m, 6), "float32"), backend.zeros((2, places * m), "int64")
    for step in range(2):
        backend.load(ticks, samples, x, labels)
        batch = order[:, 45 * step : 45 * step + m]
        np.testing.assert_array_equal(backend.to_host(labels), y[batch].swapaxes(1, 2).reshape(2, -1))


@every_dtype
@pytest.mark.parametrize("m", [40, 3])
def test_load_of_places(backend, dtype, m):
    places, classes, n = 5, 7, 90
    rows, table, weights = draw(n, 6, dtype=dtype), draw(2, 4, dtype=dtype), draw(2, n, places, dtype=dtype)
    order, y = np.stack([rng.permutation(n) for _ in range(2)]), rng.integers(-1, classes, (n, places))
    given = map(backend.to_device, (rows, y, order))
    samples = Samples(*given, 45, None, backend.to_device(weights), None, places)
    ticks = Ticks(*map(backend.to_device, (np.array([6, -1]), table)), backend.zeros((4,), dtype))
    x, targets = backend.zeros((2, m, 6), dtype), backend.zeros((2, classes * places, m), dtype)
    w = backend.zeros((2, places * m), dtype)
    for step in range(2):
        backend.load(ticks, samples, x, targets, w)
        batch = order[:, 45 * step : 45 * step + m]
        near(backend, targets, one_hot(y[batch], classes, dtype), dtype)
        own = np.stack([weights[r, batch[r]] for r in (0, 1)])
        near(backend, w, own.swapaxes(1, 2).reshape(2, -1), dtype)


@every_dtype
@pytest.mark.parametrize("weighs", [False, True])
def test_misses_are_weighed_where_that_is_asked_for(backend, dtype, weighs):
    a, m = draw(2, 4, 50, dtype=dtype), 50
    y = np.stack([np.eye(4, dtype=dtype)[rng.integers(0, 4, m)].T for _ in (0, 1)])
    weight = rng.choice([0.0, 0.5, 2.0], (2, m)).astype(dtype)
    device = [backend.to_device(one) for one in (a, y, np.zeros_like(a))]
    value, missed, sums = backend.zeros((2, m), dtype), backend.zeros((2, m), "bool"), backend.zeros((2, 2), "float64")
    backend.output_error(
        Outputs(LOSSES["cross_entropy"], *device, value, missed, sums, backend.to_device(weight), weighs)
    )
    wanted = a.argmax(axis=1) != y.argmax(axis=1)
    np.testing.assert_array_equal(backend.to_host(missed), wanted)
    counts = (wanted * weight if weighs else wanted).sum(axis=1)
    np.testing.assert_allclose(backend.to_host(sums)[1], counts, rtol=1e-6)
