"""Layers of one's own that are gpufa's but for a method: nothing is done in their place, and nothing is written over
that they may read."""

import numpy as np
import pytest
from rulelab import close, network, samples

from gpufa.backends.operations.operands import Signal
from gpufa.layers import Act, BatchNorm, Chain, Conv2d, Dense, Dropout, LayerNorm, MaxPool, Residual
from gpufa.net.learning.rule import Rule

SIZES = [40, 3]


class Bent(Conv2d):
    """tanh of a convolution, whose f' is read off y."""

    def forward(self, at):
        super().forward(at)
        np.tanh(at.y, out=at.y)

    def send(self, at, carriers):
        at.delta *= 1 - at.y**2


class Doubled(Dense):
    def forward(self, at):
        super().forward(at)
        at.y *= 2


class Skipping(Act):
    """a + relu(a)"""

    def forward(self, at):
        super().forward(at)
        at.y += at.x

    def pull(self, at, carriers):
        np.multiply(at.delta, 1.0 + (at.x > 0), out=at.down)
        return Signal(None, at.down)


class Lower(MaxPool):
    """The largest of each window less 0.5."""

    def forward(self, at):
        super().forward(at)
        at.y -= 0.5


class First(Chain):
    """Its activation's output, and what that was made of."""

    def forward(self, at):
        super().forward(at)
        at.y += self.own(at)[0].y


class Both:
    """To go with a layer."""

    def pull(self, at, carriers):
        return super().pull(at, carriers)


class Mixed(Both, Conv2d):
    pass


class Given(Chain):
    """A chain that is told nothing but its filters."""

    def __init__(self, n):
        super().__init__((Conv2d(n, 3), Act("relu"), MaxPool(2)))


def made(*blocks):
    return network(["input 2x5x4", *blocks, "dense 3"], "bp")


def alike(own, words):
    """A net of one's own layers and one of gpufa's that makes the same: outputs and gradients."""
    (x, y), first, second = samples(SIZES), made(own), made(words)
    for name, p in first.parameters.items():
        p[...] = second.parameters[name]
    close({"y": first.predict(x)}, {"y": second.predict(x)}, 1e-13)
    close(first.gradients(x, y), second.gradients(x, y), 1e-12)


def test_what_reads_its_output_on_the_way_down_finds_it_there():
    alike([Bent(4, 3), Act("logistic")], "conv 4 3x3 tanh, logistic")


def test_an_activation_of_ones_own_finds_its_input():
    alike([Conv2d(4, 3), Skipping("relu")], "conv 4 3x3, residual(relu)")
    alike([Dense(6), Skipping("relu")], "dense 6, residual(relu)")
    alike([Conv2d(4, 3), Skipping("relu"), MaxPool(2)], "conv 4 3x3, residual(relu), pool 2")


def test_a_dense_layer_of_ones_own_goes_its_own_way():
    own, twice, x = made([Doubled(6), Act("tanh")]), made("dense 6 tanh"), samples(SIZES)[0]
    for name, p in twice.parameters.items():
        p[...] = own.parameters[name] * (2 if name in ("W1", "b1") else 1)
    close({"y": own.predict(x)}, {"y": twice.predict(x)}, 1e-13)


def test_a_pool_of_ones_own_stays_where_it_is():
    net = made([Conv2d(4, 3), Act("relu"), Lower(2)])
    assert [type(at.layer) for at in net.pass_for(9).blocks[1].at.leaves()] == [Conv2d, Act, Lower]


def test_a_chain_of_ones_own_keeps_its_order_and_what_it_made():
    net = made(First((Conv2d(4, 3), Act("relu"))))
    lower, upper = net.pass_for(9).blocks[1].at.leaves()
    assert lower.y is not upper.y
    layers = Act("relu"), MaxPool(2)
    assert First(layers).pooled_first.layers == layers
    assert First((Dense(3), Act("relu"))).one_dense is None
    assert str(Given(3).pooled_first) == "conv 3 3x3, pool 2, relu"
    assert type(Given(3).pooled_first) is Given


def test_that_it_may_share_a_batch_is_promised_of_its_own_methods():
    said = type("Said", (Conv2d,), {"separable": True})
    assert (Conv2d.separable, said.separable, type("Below", (said,), {}).separable) == (False, True, True)
    assert not type("Other", (said,), {"forward": Bent.forward}).separable


@pytest.mark.parametrize(
    ("layer", "spent", "known"),
    [
        (Conv2d, True, False),
        (BatchNorm, True, False),
        (LayerNorm, True, False),
        (Residual, True, True),
        (Act, False, True),
        (Dense, False, True),
        (Dropout, False, True),
        (MaxPool, False, True),
        (Bent, False, False),
        (Mixed, False, False),
        (type("Again", (Bent,), {"spent": True}), True, False),
        (type("Below", (Conv2d,), {}), True, False),
        (type("Below", (MaxPool,), {}), False, True),
        (Skipping, False, False),
        (type("Same", (Skipping,), {"known": True}), False, True),
    ],
)
def test_what_is_promised(layer, spent, known):
    assert (layer.spent, layer.known) == (spent, known)


def test_a_rule_takes_its_way_forward_from_a_class_beside_it():
    beside = type("Beside", (), {"forward": lambda self, net, x: None})
    assert Rule.feeds
    assert not type("Own", (beside, Rule), {}).feeds
    assert type("Own", (beside, Rule), {"feeds": True}).feeds
