"""Steps of relaxation, formulas and normalised activity: every backend against plain NumPy, on odd sizes and slabs."""

import numpy as np
import pytest
from operationlab import ALL, draw, every_dtype, every_size, near, rng, slab

from gpufa.backends.operations.operands import Gate, Inputs, Nudge, Units
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.formulas import FORMULAS
from gpufa.net.shape.layout import Layout
from gpufa.net.state.arena import Layers

WIDE = 19  # columns of V, above those that a kernel takes itself


class Relaxed:
    """Some units with what drives them, on a backend and as plain arrays."""

    def __init__(self, backend, dtype, shape, name, kind="both", inner=3, mask=True):
        replicas, n, m = shape
        self.backend, self.dtype, self.f = backend, dtype, ACTIVATIONS[name]
        self.u, self.h = draw(*shape, dtype=dtype), np.empty(shape, dtype)
        self.f.value(self.u, self.h)
        self.mask = 2 * (rng.random(shape) < 0.5).astype(dtype)
        W, x, b = draw(replicas, n, 4, dtype=dtype), draw(replicas, 4, m, dtype=dtype), draw(replicas, n, dtype=dtype)
        V, y = draw(replicas, inner, n, dtype=dtype), draw(replicas, inner, m, dtype=dtype)
        self.below, self.above = W @ x + b[..., None], 0.3 * V.swapaxes(1, 2) @ y
        given = (
            [backend.to_device(p) for p in (W, x, b)] if kind != "above" else [None, None, slab(backend, self.below)]
        )
        self.inputs = Inputs(*given)
        if kind == "below":
            self.above = np.zeros_like(self.above)
        else:
            self.inputs = Inputs(*given, backend.to_device(V).swapaxes(1, 2), slab(backend, y), 0.3)
        u, h, sent = (slab(backend, x) for x in (self.u, self.h, np.zeros_like(self.h)))
        kept = slab(backend, self.mask) if mask else None
        self.mask = self.mask if mask else np.ones_like(self.mask)
        self.units = Units(self.f, u, h, kept, sent if mask else h)
        slope, z = np.empty_like(self.u), self.u if self.f.of == "a" else self.h
        self.f.derivative(z, slope, np.empty_like(slope))
        self.slope = slope * self.mask

    def moved_to(self, u, bound=False):
        """The units are at u now."""
        h = np.empty_like(u)
        self.f.value(u, h)
        near(self.backend, self.units.u, h if bound else u, self.dtype)
        near(self.backend, self.units.h, h, self.dtype)
        near(self.backend, self.units.sent, h * self.mask, self.dtype)


every_drive = pytest.mark.parametrize("kind", ["both", "above", "below"])


@every_dtype
@every_drive
@every_size
def test_drive(backend, dtype, kind, replicas, rows, columns):
    r = Relaxed(backend, dtype, (replicas, rows, columns), "tanh", kind, WIDE)
    out, less = slab(backend, np.zeros_like(r.u)), draw(replicas, rows, columns, dtype=dtype)
    backend.drive(r.inputs, out)
    near(backend, out, r.below + r.above, dtype)
    backend.drive(r.inputs, out, less=slab(backend, less))
    near(backend, out, r.below + r.above - less, dtype)


@every_dtype
@every_drive
@every_size
@pytest.mark.parametrize("inner", [3, WIDE])
def test_settle(backend, dtype, kind, replicas, rows, columns, inner):
    for mask in (True, False):
        r = Relaxed(backend, dtype, (replicas, rows, columns), "gelu", kind, inner, mask)
        backend.settle(r.units, r.inputs)
        r.moved_to(r.below + r.above)


def test_nothing_from_below_or_above(backend):
    r = Relaxed(backend, "float64", (2, 5, 7), "tanh", "above")
    backend.settle(r.units, Inputs(None, None, r.inputs.b))
    r.moved_to(r.below)


@every_dtype
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_descend_with_every_activation(backend, dtype, name):
    r = Relaxed(backend, dtype, (2, 5, 8), name)
    backend.descend(r.units, r.inputs, 0.25, slab(backend, np.zeros_like(r.u)))
    r.moved_to(r.u + dtype_of(0.25, dtype) * ((r.below + r.above) * r.slope - r.u))


def dtype_of(number, dtype):
    return np.dtype(dtype).type(number)


@every_dtype
@every_drive
@every_size
@pytest.mark.parametrize("inner", [3, WIDE])
def test_descend(backend, dtype, kind, replicas, rows, columns, inner):
    for mask in (True, False):
        r = Relaxed(backend, dtype, (replicas, rows, columns), "hard_logistic", kind, inner, mask)
        e, sign = draw(replicas, rows, columns, dtype=dtype), rng.choice([-1.0, 1.0], (replicas, 1, 1)).astype(dtype)
        nudge = Nudge(backend.to_device(e.copy()), backend.to_device(sign), -0.5)
        backend.descend(r.units, r.inputs, 0.25, slab(backend, np.zeros_like(r.u)), nudge, bound=True)
        drive = (r.below + r.above) * r.slope + dtype_of(0.5, dtype) * sign * e
        r.moved_to(r.u + dtype_of(0.25, dtype) * (drive - r.u), bound=True)


@every_dtype
@every_size
@pytest.mark.parametrize("kind", ["both", "above"])
@pytest.mark.parametrize("inner", [3, WIDE])
def test_infer(backend, dtype, kind, replicas, rows, columns, inner):
    for mask in (True, False):
        r = Relaxed(backend, dtype, (replicas, rows, columns), "tanh", kind, inner, mask)
        missed, pull = (slab(backend, np.zeros_like(r.u)) for _ in range(2))
        backend.infer(r.units, r.inputs, 0.25, missed, pull)
        d = dtype_of(0.25, dtype) * (r.below - r.u + r.slope * r.above)
        r.moved_to(r.u + d)
        near(backend, missed, r.below - r.u - d, dtype)


FORMULAS_GIVEN = {  # numbers, and whether an array has one row only
    "concordant": ({}, (False, False)),
    "difference": ({"factor": -0.25}, (False, False)),
    "ternary": ({"t": 0.5}, (False,)),
    "goodness_slope": ({"theta": 0.5, "sign": -1.0}, (False, True)),
    "log_odds": ({"theta": 0.5, "share": 0.25}, (False, True, False, True)),
}


@every_dtype
@every_size
@pytest.mark.parametrize("name", FORMULAS_GIVEN)
def test_formulas(backend, dtype, name, replicas, rows, columns):
    numbers, flat = FORMULAS_GIVEN[name]
    given = [draw(replicas, 1 if one else rows, columns, dtype=dtype) * (99 if one else 1) for one in flat]
    given[-1][:, 0, 0] = 0
    expected, out = (
        np.empty((replicas, rows, columns), dtype),
        slab(backend, np.zeros((replicas, rows, columns), dtype)),
    )
    arrays = [slab(backend, x) for x in given]
    with np.errstate(over="ignore"):
        FORMULAS[name].value(expected, *given, **numbers)
    backend.evaluate(FORMULAS[name], out, *arrays, **numbers)
    near(backend, out, expected, dtype)


@every_dtype
@pytest.mark.parametrize("n", [2, 10])
def test_wrong_labels_are_all_the_others(backend, dtype, n):
    labels, m = np.arange(n, dtype=dtype)[None, :, None], 700
    right = rng.integers(0, n, (2, 1, m)).astype(dtype)
    ahead = (rng.random((2, 1, m)) * 2 - 1).astype(dtype)
    ahead[..., :2] = -1, np.nextafter(dtype_of(1, dtype), dtype_of(0, dtype))
    out = slab(backend, np.zeros((2, n, m), dtype))
    backend.evaluate(FORMULAS["wrong_label"], out, *map(backend.to_device, (labels, right, ahead.copy())), n=n)
    found = backend.to_host(out)
    np.testing.assert_array_equal(found.sum(axis=1), 1)
    places = (found.argmax(axis=1) - right[:, 0]) % n
    np.testing.assert_array_equal(
        places, np.minimum(np.floor((ahead[:, 0] + 1) * dtype_of((n - 1) / 2, dtype)), n - 2) + 1
    )


def test_every_formula_is_tested():
    assert {*FORMULAS_GIVEN, "wrong_label"} == {*FORMULAS}


@every_dtype
@every_size
def test_normalise(backend, dtype, replicas, rows, columns):
    h = draw(replicas, rows, columns, dtype=dtype)
    h[0, :, 0] = 0
    lying = backend.to_device(h.swapaxes(1, 2).copy()).swapaxes(1, 2)
    for given, out in ((slab(backend, h), slab(backend, np.zeros_like(h))), (lying, lying)):
        G = backend.zeros((replicas, 1, columns), dtype)
        backend.normalise(given, G, 1e-20, out=out)
        squares = np.square(h, dtype="f8").sum(axis=1, keepdims=True)
        near(backend, G, squares, dtype)
        near(backend, out, h / (np.sqrt(squares / rows) + 1e-20), dtype)


@every_dtype
def test_layer_sums(backend, dtype):
    sizes = Layout.dense((4, 7, 5, 3), ("tanh", "tanh"))
    delta, start = draw(2, sizes.total, 9, dtype=dtype), draw(2, sizes.total, dtype=dtype)
    out = Layers.of_slab(backend.to_device(start.copy()), sizes)
    backend.layer_sums(Layers.of_slab(backend.to_device(delta), sizes), out, alpha=0.5, beta=1.0)
    near(backend, out.slab, 0.5 * delta.sum(axis=-1, dtype="f8") + start, dtype)


def test_gates_of_units():
    u, h, mask = draw(1, 2, 3), draw(1, 2, 3), draw(1, 2, 3)
    assert Units(ACTIVATIONS["tanh"], u, h, mask, h).gate == Gate(ACTIVATIONS["tanh"], h, mask, ALL)
    assert Units(ACTIVATIONS["gelu"], u, h, None, h).gate == Gate(ACTIVATIONS["gelu"], u, None, ALL)
