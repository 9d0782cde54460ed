"""What one pass over samples counts: every score follows from it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend
from ..backends.operations.operands import Outputs
from ..basics.arrays import T
from ..data.samples.data import has_labels
from ..data.samples.places import without_gaps
from ..data.samples.scaling import Scaling
from ..net.batch.passes import Pass
from ..net.learner import Learner
from .targets import AMOUNTS, CLASSES, FLAGS, PAIR, kinds_of

ADDED = "n", "loss", "wrong", "held", "inexact", "residual"  # of two parts
HALF = 0.5  # an output above it says yes


class Judged(NamedTuple):
    """Samples that have gone up: a_L, their targets and error, (R, n_L, m), and whether each is missed, (R, m);
    of outputs at places no targets, and how many of these count."""

    a: Any
    y: Any
    e: Any
    missed: Any
    counting: float = 0.0


class Tally(NamedTuple):
    """Of n samples with targets of these `kinds`: the sum of their losses, (R,). Where outputs are at places, n is of
    places that have a target, and all else is of these.

    wrong, held      CLASSES: of each class, how many samples were taken for another, (R, C), and how many there are,
                     (C,). FLAGS: of each output, how many are wrong, (R, n_L), and n. TOKENS: of all, (R, 1), (1,)
    inexact          FLAGS: samples with an output that is wrong, (R,)
    outputs, second  PAIR: what the net says for the second class, (R, n), and whether it is that, (n,)
    residual         AMOUNTS: the sum of squares, (R,), `spread` about each output's mean, in shares of `unit`
    """

    n: int
    kinds: frozenset[str]
    loss: NDArray
    wrong: NDArray
    held: NDArray
    inexact: NDArray
    outputs: NDArray
    second: NDArray
    residual: NDArray
    spread: float
    unit: float
    values: int


def count(net: Learner, x: Any, y: Any, part: slice = slice(None)) -> Tally:
    """The tally of a part of x, (samples, n_0), and y as `scores.evaluate` takes them."""
    first, last, _ = part.indices(len(x))
    sums = net.backend.zeros((2, len(net.seeds)), "float64")

    def judged() -> Iterator[Judged]:
        for start, p in net.chunks(len(x), part):
            at = slice(start, start + p.m)
            net.teach(p, y[at])
            p.evaluate(net.rule.forward, net.as_floats(x[at]), sums)
            counting = 0.0 if p.weight is None else float(p.weight[0].sum(dtype="float64"))
            yield Judged(p.a[p.L], p.y if p.sizes.places == 1 else None, p.e, p.missed, counting)

    return _tally(net, y, last - first, judged(), sums)


def count_nodes(net: Learner, p: Pass, y: Any) -> Tally:
    """That of those nodes of a graph that have a label in y, (nodes,), on the device, -1 being none; all nodes have
    gone up through p."""
    backend, a = net.backend, p.a[p.L]
    labels = backend.to_host(y)
    there = np.flatnonzero(labels >= 0)
    shape, sums = (*a.shape[:2], len(there)), backend.zeros((2, len(a)), "float64")
    value, missed = backend.zeros(shape[::2], a.dtype), backend.zeros(shape[::2], "bool")
    wanted, e = backend.zeros(shape, a.dtype), backend.zeros(shape, a.dtype)
    own, known = Judged(a[..., backend.to_device(there)], wanted, e, missed), backend.to_device(labels[there])
    backend.targets(known, out=own.y)
    backend.output_error(Outputs(net.output_loss, own.a, own.y, own.e, value, missed, sums))
    return _tally(net, known, len(there), [own], sums)


def _tally(net: Learner, y: Any, n: int, judged: Iterable[Judged], sums: Any) -> Tally:
    """Of n samples with targets y, that are judged some at a time; their losses are in `sums`, (2, R), by then."""
    backend, kinds, own = net.backend, kinds_of(net, y), net.target_scaling
    replicas, classes = len(net.seeds), max(net.sizes.outputs, 2) if CLASSES in kinds else net.sizes.outputs
    residual = np.zeros(replicas)
    wrong, held = backend.zeros((replicas, classes), "float64"), backend.zeros((classes,), "float64")
    found, inexact, spread = backend.zeros(wrong.shape, "float64"), backend.zeros((replicas,), "float64"), 0.0
    outputs, second, counting = list[NDArray](), list[NDArray](), 0.0
    unit, weights = _units(own) if own else (1.0, None)

    def squares(e: Any) -> NDArray:
        """Of e, (R, n_L, m), the sum over samples and outputs, of which each counts by its weight, on the host."""
        summed = backend.zeros(e.shape[: 1 if weights is None else 2], "float64")
        by_output = e if weights is None else T(e)
        backend.dots(by_output, by_output, summed)
        return backend.to_host(summed) if weights is None else np.asarray(backend.to_host(summed) @ weights)

    for p in judged:
        counting += p.counting
        if AMOUNTS in kinds:
            residual += squares(p.e)
        if FLAGS in kinds:
            astray = _yes(net, p) != (p.y > HALF)
            wrong += astray.sum(axis=-1, dtype="float64")
            inexact += astray.any(axis=-2).sum(axis=-1, dtype="float64")
        if CLASSES in kinds:
            one = net.sizes.outputs == 1
            missed = (_yes(net, p) != (p.y > HALF))[:, 0] if one else p.missed
            members = backend.xp.concatenate([1 - p.y, p.y], axis=1) if one else p.y
            of_class = T(members)  # (R, m, C), of 0 and 1
            backend.dots(of_class, T(missed[:, None].astype(members.dtype)), found)
            wrong += found
            backend.dots(of_class[:1], of_class[:1], found[:1])
            held += found[0]
            if PAIR in kinds:
                net.output_loss.outputs(p.a, p.e)
                outputs.append(np.array(backend.to_host(p.e[:, -1])))
                second.append(np.array(backend.to_host(members[0, 1])) > HALF)
    if AMOUNTS in kinds and net.sizes.places == 1:
        spread = float(squares(T(y - _means(backend, y))[None])[0])
    if net.sizes.places > 1:
        return _of_places(net, y, kinds, counting, backend.to_host(sums), residual)
    return Tally(
        *(n, kinds, backend.to_host(sums)[0], backend.to_host(wrong)),
        np.full(classes, float(n)) if FLAGS in kinds else backend.to_host(held),
        backend.to_host(inexact),
        np.concatenate(outputs, axis=1) if outputs else np.zeros((replicas, 0)),
        np.concatenate(second) if second else np.zeros(0, bool),
        *(residual, spread, unit, 0 if has_labels(y) else y.size),
    )


def _means(backend: Backend, y: Any) -> Any:
    """Of each column of y, (N, n_L), like it."""
    found, one = backend.zeros((1, y.shape[1]), "float64"), backend.zeros((1, 1, 1), y.dtype)
    one.fill(1)
    backend.dots(y[None], one, found)
    return (found[0] / len(y)).astype(y.dtype)


def _of_places(net: Learner, y: Any, kinds: frozenset[str], n: float, sums: NDArray, residual: NDArray) -> Tally:
    """That of n places that have a target, of the sums of losses and misses, (2, R), and of squares, (R,)."""
    none, spread, values = np.zeros((len(residual), 0)), 0.0, 0
    if AMOUNTS in kinds:
        xp, y = net.backend.xp, y.reshape(len(y), -1, net.sizes.places)
        there = y == y
        mean = without_gaps(xp, y).sum(axis=(0, 2), dtype="float64") / xp.maximum(there.sum(axis=(0, 2)), 1)
        mean = mean[:, None]
        spread, values = float(xp.square(without_gaps(xp, y - mean)).sum(dtype="float64")), int(there.sum())
    wrong, held, second = sums[1][:, None], np.full(1, n), np.zeros(0, bool)
    return Tally(int(n), kinds, sums[0], wrong, held, none.sum(axis=1), none, second, residual, spread, 1.0, values)


def together(parts: Sequence[Tally]) -> Tally:
    """The tally of all samples, of those of parts of them."""
    if len(parts) == 1:
        return parts[0]
    added = {name: sum(getattr(part, name) for part in parts) for name in ADDED}
    outputs = np.concatenate([part.outputs for part in parts], axis=1)
    return parts[0]._replace(outputs=outputs, second=np.concatenate([part.second for part in parts]), **added)


def _yes(net: Learner, p: Judged) -> Any:
    """Whether each output is above a half."""
    net.output_loss.outputs(p.a, p.e)
    return p.e > HALF


def _units(scaling: Scaling) -> tuple[float, NDArray]:
    """The largest of the units that targets are scaled by, and the squares of all as shares of it."""
    units = 1 / scaling.factor
    return float(units.max()), np.square(units / units.max())
