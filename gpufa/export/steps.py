"""A trained net as steps that formats can be made of: what raw samples go through, from what comes in to what `predict`
gives."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import of_type, shown
from ..basics.errors import InvalidValue
from ..layers.protocol.layer import Layer
from ..layers.protocol.terms import Shape
from ..network import Network

SOME = 10  # seeds that a sentence shows


class Step(NamedTuple):
    """One step: a layer, the loss whose non-linearity it is, or one of the kinds below; the shape of its input; its
    arrays on the host, by its own names; and the steps that it is made of."""

    what: Any
    shape: Shape
    arrays: Mapping[str, NDArray] = {}
    inside: tuple["Step", ...] = ()


@dataclass(frozen=True)
class Inputs:
    """Raw samples as in training: NaN becomes `value`, then (x - shift) * factor, then x times `matrix`, each where
    there is one, in the shape that the first block takes."""


@dataclass(frozen=True)
class Replica:
    """One net, block by block, up to its non-linearity."""


@dataclass(frozen=True)
class Mean:
    """The mean of what several nets make of one input."""


@dataclass(frozen=True)
class Unscaled:
    """Outputs in the targets' own unit: y / factor + shift, in float64."""


def steps_of(net: Network, seed: int | None = None) -> tuple[Step, ...]:
    """From raw samples to what `predict` gives for one network, (n, outputs): that of one seed, or the mean of all.

    Raises InvalidValue for what is no feed-forward net, for a seed that it hasn't, and for a rule that predicts in its
    own way.
    """
    of_type(net, Network, "what is exported", "a gpufa.Network")
    if not net.rule.feeds:
        raise InvalidValue(
            f"a net of rule {net.rule.name!r} can't be exported: it predicts by more than one pass through its layers;"
            " use gpufa predict, or train it by another rule"
        )
    if net.sizes.places > 1:
        raise InvalidValue(
            f"a net with outputs at places, here '{net.sizes.blocks[-1]}', can't be exported so far; use gpufa itself,"
            " or end in one dense layer for each sample"
        )
    if net.scaling and net.scaling.rows is not None:
        raise InvalidValue(
            "a net with scaling 'rows' can't be exported: PyTorch and ONNX files of gpufa have no such step; use gpufa"
            " predict, or train it on samples that are scaled so before"
        )
    given = {"value": net.filling and net.filling.value, **(net.scaling._asdict() if net.scaling else {})}
    inputs = {name: array for name, array in given.items() if array is not None}
    nets = tuple(_replica(net, r) for r in _chosen(net, seed))
    outputs = (net.sizes.outputs,)
    found = [Step(Inputs(), net.sizes.shapes[0], inputs)]
    found += nets if len(nets) == 1 else [Step(Mean(), net.sizes.shapes[0], {}, nets)]
    if net.target_scaling:
        arrays = {"shift": net.target_scaling.shift, "factor": net.target_scaling.factor}
        found.append(Step(Unscaled(), outputs, arrays))
    return tuple(found)


def _chosen(net: Network, seed: int | None) -> Sequence[int]:
    """The places of the seeds among the net's own."""
    if seed is None:
        return range(len(net.seeds))
    if isinstance(seed, bool) or seed not in net.seeds:
        some = [*map(str, net.seeds[:SOME]), *(["..."] if len(net.seeds) > SOME else [])]
        raise InvalidValue(f"seed {shown(seed)} is none of this net's, {', '.join(some)}; give --seed one of them")
    return [list(net.seeds).index(seed)]


def _replica(net: Network, r: int) -> Step:
    """The net of the r-th seed."""
    live = {**net.arena, **net.measured}
    host = {name: np.array(net.backend.to_host(array[r])) for name, array in live.items()}
    steps = []
    for k, block in enumerate(net.sizes.blocks, start=1):
        steps.append(_step(block, net.sizes.shapes[k - 1], host, iter(net.sizes.suffixes(k))))
    steps.append(Step(net.output_loss, net.sizes.shapes[-1]))
    return Step(Replica(), net.sizes.shapes[0], {}, tuple(steps))


def _step(layer: Layer, shape: Shape, host: Mapping[str, NDArray], ends: Iterator[str]) -> Step:
    """A layer, and those in it, with what it learned and measured."""
    inside = tuple(_step(one, own, host, ends) for one, own in layer.parts(shape))
    names = () if inside else (*layer.parameters(shape), *layer.state(shape))
    end = next(ends) if names else ""
    return Step(layer, shape, {name: host[name + end] for name in names}, inside)
