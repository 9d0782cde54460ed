"""Labels as a part of the input, for rules that learn to tell a right label from a wrong one.

replace   the label, one-hot, stands in the first n_L inputs, whose own values are lost: Hinton's way on MNIST, where
          they are black border; of images these are the first places of the first channel, row by row
append    it comes in as n_L more inputs with weights of their own, net.parameters["V1"]: for data with no border. To a
          convolution it is n_L more maps, each the same at every place, with a kernel of one place, (filters, n_L):
          every filter sees it everywhere, where `replace` shows it to those windows alone that meet the first row
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backends.operations.operands import Signal
from ...basics.arrays import T
from ...basics.errors import InvalidValue
from ...functions.formulas import FORMULAS
from ...net.batch.layered import LayeredBlock, by_channels
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import above_zero, one_of
from ...net.learning.rule import Rule
from ...net.shape.layout import Layout
from ...net.state.arena import Extra
from ...net.state.model import Model

PLACES = "replace", "append"


@dataclass(frozen=True)
class Labelled(Rule):
    """`strength` is the input that stands for a label, beside inputs of about 0 to 1."""

    label: str = "replace"
    strength: float = 1.0

    def __post_init__(self) -> None:
        one_of(self.label, PLACES, "place for the label", "label")
        above_zero(self.strength, "strength of the label", "strength")

    def check(self, model: Model) -> None:
        inputs, outputs = model.sizes.inputs, model.sizes.outputs
        if outputs < 2:
            raise InvalidValue(f"rule {self.name!r} needs a wrong label to each right one; give data with two or more")
        if not model.sizes.hidden:
            raise InvalidValue(f"rule {self.name!r} trains hidden layers only, and the net has none; give --hidden 256")
        if self.label == "replace" and inputs <= outputs:
            raise InvalidValue(f"{outputs} labels would overwrite all {inputs} inputs; add --set rule.label=append")

    def prepare(self, model: Model, x: Any, y: Any) -> None:
        if y.dtype.kind == "f":
            raise InvalidValue(f"rule {self.name!r} learns labels, not real targets; give whole numbers from 0 on")

    def appended(self, sizes: Layout) -> int:
        """How many inputs are added to those of the data."""
        return sizes.outputs if self.label == "append" else 0

    def parameters(self, sizes: Layout) -> dict[str, Extra]:
        if not self.appended(sizes):
            return {}
        channels = next(layer.out(shape)[0] for layer, shape in sizes.walk(1) if layer.parameters(shape))
        return {"V1": Extra((channels, sizes.outputs), "uniform", layer=1)}

    def labelled(self, net: Pass, label: Any, name: str) -> Any:
        """(label, x), (R, n, m), for one-hot labels (R, n_L, m): kept under its name, x being net.sent[0]."""
        first = self.appended(net.sizes)
        both = net.array(name, net.m, first + net.sizes.inputs)
        both[..., first:] = T(net.sent[0])
        net.xp.multiply(T(label), self.strength, out=both[..., : net.sizes.outputs])
        return T(both)

    def first_weights(self, net: Pass) -> Any:
        """Layer 1's weights on label and x."""
        first = self.appended(net.sizes)
        if not first:
            return net.W[1]
        both = net.array("V1, W1", net.sizes[1], first + net.sizes.inputs)
        both[..., :first] = net.parameters["V1"]
        both[..., first:] = net.W[1]
        return both

    def first_inputs(self, net: Pass, given: Any, name: str) -> tuple[Any, Signal | None]:
        """x of (label, x) for a block 1 of several layers, and V1 times the label for the one of them that learns."""
        first = self.appended(net.sizes)
        if not first:
            return given, None
        maps = self.label_maps(net, name)
        maps.reshape(len(maps), first, -1, net.m)[...] = given[:, :first, None]
        return given[:, first:], Signal(net.parameters["V1"], maps)

    def label_maps(self, net: Pass, name: str) -> Any:
        """Where the label stands at every place that block 1's learning layer makes, (R, n_L, places * m)."""
        places = math.prod(blocks(net, name)[1].learning.out[1:])
        return net.array(f"label at every place, {name}", net.sizes.outputs, places * net.m)

    def first_gradients(self, net: Pass, grads: Gradients, delta: Any, given: Any, name: str) -> None:
        """Those of layer 1, `given` being label and x; of a block of several layers V1's alone."""
        first = self.appended(net.sizes)
        if 1 not in net.sizes.layered:
            grads.layer(1, delta, given[:, first:])
            label = given[:, :first]
        elif first:
            place = blocks(net, name)[1].learning
            delta, label = by_channels(place, place.delta), self.label_maps(net, name)
        if first:
            grads.product("V1", delta, label)

    def one_label(self, net: Pass, c: int) -> Any:
        """Label c for every sample: one-hot, (R, n_L, m)."""
        label = net.array("label", net.sizes.outputs, net.m)
        label.fill(0)
        label[:, c].fill(1)
        return label

    def wrong_label(self, net: Pass) -> Any:
        """One of the wrong labels for each sample, all alike likely: one-hot, (R, n_L, m)."""
        n = net.sizes.outputs
        labels = net.constant("labels", lambda: np.arange(n)[:, None])
        right, ahead = (net.array(name, 1, net.m) for name in ("right label", "places ahead"))
        net.backend.gemm(T(labels), net.y, out=right)
        net.random("uniform", ahead, stream=1, by_sample=True)
        wrong = net.array("wrong label", n, net.m)
        net.backend.evaluate(FORMULAS["wrong_label"], wrong, labels[None], right, ahead, n=n)
        return wrong


def blocks(net: Pass, name: str) -> Mapping[int, LayeredBlock]:
    """The blocks of several layers that the label of that name goes through: those of the right one are the net's."""
    return net.layered if name == "right" else net.beside(name)
