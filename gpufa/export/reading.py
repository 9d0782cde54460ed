"""A whole Sequential of PyTorch as a network: what stands at its ends, its blocks, its weights."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ..basics.arguments import is_whole, shown
from ..basics.errors import InvalidValue, warn
from ..data.samples.scaling import Scaling
from ..data.tables.missing import Filling
from ..layers import Dense, Layer
from ..layers.protocol.terms import Shape
from ..network import Network
from . import modules as own
from .readers import Read, inner, numbers, only, read

OUTPUTS: dict[type, str] = {nn.Softmax: "cross_entropy", nn.Sigmoid: "binary_cross_entropy"}  # at the end alone
NEUTRAL = nn.Flatten, nn.Dropout, nn.Identity  # in front of a Linear that says how many features there are
OURS: dict[str, type] = {"inputs": own.Inputs, "outputs": own.Unscaled}
NAMES = {name: name for name in ("value", "shift", "factor", "matrix")}
SAID = "init", "init_scale", "activation", "residual"


def network_of(
    module: nn.Module, inputs: Sequence[int] | int | None, loss: str | None, more: Mapping[str, Any]
) -> Network:
    """See `from_torch`."""
    if type(module) is not nn.Sequential:
        raise InvalidValue(
            f"from_torch takes a torch.nn.Sequential, and this is a {type(module).__name__}; put its modules into one"
        )
    for name in SAID:
        if name in more:
            raise InvalidValue(
                f"{name} = {shown(more[name])} is for nets that are drawn, and the module has layers and weights; leave"
                f" {name} out"
            )
    named = list(inner(module))
    ends = {name: named.pop(at)[1] for name, at in (("inputs", 0), ("outputs", -1)) if _is(named, at, OURS[name])}
    if "outputs" in ends:
        loss = loss or "squared_error"
    loss, shape = _loss(named, loss), _shape(named, inputs, ends.get("inputs"))
    found = read(named, shape)
    if not found.arrays:
        raise InvalidValue("the module has no layer that learns; give one with an nn.Linear at its end")
    _tell_of_ties(module)
    double = any(p.dtype == torch.float64 for p in module.parameters())
    settings = {"dtype": "float64" if double else "float32", **more}
    net = Network(
        [f"input {'x'.join(map(str, shape))}", *_blocks(found.layers, shape)], loss=loss, init="zeros", **settings
    )
    net.from_zero = False
    _fill(net, found)
    _scale(net, ends)
    return net


def _tell_of_ties(module: nn.Module) -> None:
    """Warn of weights that stand in two places, which here are two."""
    once = {name for name, _ in module.named_parameters()}
    again = [name for name, _ in module.named_parameters(remove_duplicate=False) if name not in once]
    if again:
        warn(
            f"the module has the parameters {', '.join(again)} in another place too; here each place has a copy of its"
            " own, and is trained by itself"
        )


def _is(named: Sequence[tuple[str, nn.Module]], at: int, kind: type) -> bool:
    return bool(named) and type(named[at][1]) is kind


def _loss(named: list[tuple[str, nn.Module]], loss: str | None) -> str:
    """The loss, whose non-linearity is taken off the end. Raises InvalidValue where it isn't known."""
    if named and (said := OUTPUTS.get(type(named[-1][1]))):
        name, module = named.pop()
        if isinstance(module, nn.Softmax):
            only(module, f"module {name}, Softmax,", dim=(1, -1))
        if loss not in (None, said):
            raise InvalidValue(f"the module ends in that of loss {said!r}, not {loss!r}; leave loss, or its end, out")
        return said
    if loss is None:
        raise InvalidValue(
            'the module does not say what its outputs are; give loss="cross_entropy" for logits of classes,'
            ' "binary_cross_entropy" for logits of yes or no, or "squared_error" for amounts'
        )
    return loss


def _shape(named: list[tuple[str, nn.Module]], inputs: Sequence[int] | int | None, ours: own.Inputs | None) -> Shape:
    """That of one sample. Raises InvalidValue where neither `inputs` nor the first modules say it."""
    if _is(named, 0, nn.Unflatten):
        name, module = named.pop(0)
        only(module, f"module {name}, Unflatten,", dim=1)
        made = tuple(module.unflattened_size)
        if inputs is not None and np.prod(inputs) != np.prod(made):
            raise InvalidValue(
                f"inputs = {shown(inputs)}, but module {name} makes {made} of a sample; leave inputs out"
            )
        inputs = made
    if inputs is None and ours is not None:
        inputs = ours.features
    if inputs is None:
        first = next((module for _, module in named if type(module) not in NEUTRAL), None)
        inputs = first.in_features if isinstance(first, nn.Linear) else None
    shape = (inputs,) if isinstance(inputs, int) else tuple(inputs or ())
    if not shape or len(shape) > 3 or not all(is_whole(n, 1) for n in shape):
        raise InvalidValue(
            f"the shape of a sample can't be {shown(inputs)}; give inputs=(3, 32, 32), channels, height and width, or"
            " (3, 100), channels and time, or a number of features"
        )
    return shape


def _blocks(layers: Iterable[Layer], shape: Shape) -> list[list[Layer]]:
    """The layers by blocks, each of which begins with one that has a matrix or a kernel; what stands in front of the
    first belongs to it, but for norms in front of the outputs."""
    blocks: list[list[Layer]] = [[]]
    begun = False
    for layer in layers:
        learns = any(len(p.shape) > 1 for one, own in layer.walk(shape) for p in one.parameters(own).values())
        if learns and begun:
            blocks.append([])
        begun |= learns
        blocks[-1].append(layer)
        shape = layer.out(shape)
    if isinstance(blocks[-1][-1], Dense) and len(blocks[-1]) > 1:
        blocks[-1:] = [blocks[-1][:-1], blocks[-1][-1:]]
    return blocks


def _fill(net: Network, found: Read) -> None:
    """Put the arrays into all replicas. Raises InvalidValue where one is of another shape."""
    ends = [end for k in net.sizes.every for end in net.sizes.suffixes(k)]
    live = {**net.arena, **net.measured}
    with net.backend.working():
        for end, arrays in zip(ends, found.arrays, strict=True):
            for name, array in arrays.items():
                target = live[name + end]
                if array.shape != target.shape[1:]:
                    raise InvalidValue(
                        f"the module's {name}{end} is {array.shape}, and such a layer in its place has"
                        f" {tuple(target.shape[1:])}; see that inputs is the shape of one sample"
                    )
                target[...] = net.backend.to_device(array, net.dtype)


def _scale(net: Network, ends: Mapping[str, nn.Module]) -> None:
    """What raw samples, and targets, go through, where `to_torch` has put that at the ends."""
    found = {name: numbers(module, **NAMES) for name, module in ends.items()}
    inputs = found.get("inputs", {})
    net.filling = Filling(inputs.pop("value")) if "value" in inputs else None
    if "matrix" in inputs:
        inputs["matrix"] = inputs["matrix"].astype(net.dtype)
    net.scaling = Scaling(**inputs) if inputs else None
    net.target_scaling = Scaling(**found["outputs"]) if "outputs" in found else None
