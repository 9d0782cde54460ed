"""Every row of LOSSES: against the reference, against finite differences, at extreme logits."""

import math

import numpy as np
import pytest
import reference

from gpufa.backends import get_backend
from gpufa.backends.operations.operands import Outputs
from gpufa.basics.errors import InvalidValue
from gpufa.functions.losses import LOSSES, loss

every_row = pytest.mark.parametrize("row", LOSSES.values(), ids=lambda row: row.name)
rng = np.random.default_rng(0)


def evaluate(row, a, y):
    e, t, value = np.empty_like(a), np.empty_like(a), np.empty((*a.shape[:-2], a.shape[-1]), a.dtype)
    kept = a.copy()
    with np.errstate(all="raise", under="ignore"):
        row.evaluate(a, y, e, value, t)
    np.testing.assert_array_equal(a, kept)
    return e, value


@every_row
@pytest.mark.parametrize("replicas", [(), (3,)])
def test_against_the_reference(row, replicas):
    a, y = rng.normal(size=(*replicas, 4, 7)) * 3, rng.random((*replicas, 4, 7))
    e, value = evaluate(row, a, y)
    for at in np.ndindex(*replicas, 7):
        one = (*at[:-1], slice(None), at[-1])
        expected, outputs = reference.LOSSES[row.name](a[one].tolist(), y[one].tolist())
        np.testing.assert_allclose(value[at], expected, rtol=1e-13)
        np.testing.assert_allclose(e[one], outputs - y[one], rtol=1e-12, atol=1e-15)


@every_row
def test_error_is_the_slope_of_the_loss(row):
    a, y = rng.normal(size=(4, 6)), rng.random((4, 6))
    if row.name == "cross_entropy":
        y /= y.sum(axis=0)
    e, _ = evaluate(row, a, y)
    for j in range(4):
        up, down = a.copy(), a.copy()
        up[j] += 1e-6
        down[j] -= 1e-6
        np.testing.assert_allclose(e[j], (evaluate(row, up, y)[1] - evaluate(row, down, y)[1]) / 2e-6, atol=1e-9)


@every_row
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_logits(row, dtype):
    a = np.array([[1e4, -1e4, 0, 1e4], [-1e4, -1e4, 0, 1e4], [0, 1e4, 0, 1e4]], dtype)
    y = np.eye(3, dtype=dtype)[:, [1, 2, 0, 1]]
    e, value = evaluate(row, a, y)
    assert np.isfinite(e).all()
    assert np.isfinite(value).all()
    if row.name == "cross_entropy":
        np.testing.assert_allclose(value, [2e4, 0, np.log(3), np.log(3)], rtol=1e-6)
    if row.name == "binary_cross_entropy":
        np.testing.assert_allclose(value[:2], [2e4 + np.log(2), 0], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logistic_outputs_keep_their_tails(dtype, backend):
    """On the scale of what is left: at -16 half a rounding of 1 would be a third of it, at -25 all."""
    a = np.array([-85, -25, -16, -3, 0, 3, 16], dtype)
    expected = [math.exp(v) / (1 + math.exp(v)) for v in a]
    tolerance = 200 * np.finfo(dtype).eps
    yhat = np.empty_like(a)
    LOSSES["binary_cross_entropy"].outputs(a, yhat)
    np.testing.assert_allclose(yhat, expected, rtol=tolerance)
    found = get_backend(backend)
    a, y, e = (found.to_device(x.reshape(1, -1, 1)) for x in (a, np.zeros_like(a), np.zeros_like(a)))
    value, missed = found.zeros((1, 1), dtype), found.zeros((1, 1), "bool")
    found.output_error(Outputs(LOSSES["binary_cross_entropy"], a, y, e, value, missed))
    np.testing.assert_allclose(found.to_host(e)[0, :, 0], expected, rtol=tolerance)


@every_row
def test_outputs_in_place(row):
    a = rng.normal(size=(2, 4, 6))
    fresh = np.empty_like(a)
    row.outputs(a, fresh)
    row.outputs(a, a)
    np.testing.assert_array_equal(a, fresh)


def test_unknown_loss():
    with pytest.raises(InvalidValue, match="unknown loss 'hinge'; choose one of cross_entropy"):
        loss("hinge")
