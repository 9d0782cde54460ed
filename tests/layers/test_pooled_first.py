"""What never falls is taken behind a max pool, of fewer units, and makes the same net."""

from itertools import pairwise

import pytest
from rulelab import close, network, samples

from gpufa.functions.activations import ACTIVATIONS
from gpufa.layers import block

RISING = [name for name, row in ACTIVATIONS.items() if row.rising]
LEARNING = [name for name in RISING if ACTIVATIONS[name].learns]
WORDS = ["input 2x6x7", "conv 3 3x3 {f}, pool 2", "residual({f}, pool 1, conv 3 3x3), {f}, pool 2 stride 1", "dense 3"]


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ("conv 4 3x3 relu, pool 2", "conv 4 3x3, pool 2, relu"),
        ("tanh, pool 2, elu, pool 2, conv 4 3x3 relu", "pool 2, tanh, pool 2, elu, conv 4 3x3 relu"),
        ("residual(tanh, pool 1, relu | shortcut 3)", "residual(pool 1, tanh, relu | shortcut 3)"),
    ],
)
def test_pools_come_first(said, made):
    assert str(block(said).pooled_first) == made


@pytest.mark.parametrize("said", ["conv 4 3x3 gelu, pool 2", "silu, pool 2", "relu, mean pool 2", "pool 2, relu"])
def test_what_does_not_go_behind_stays(said):
    assert str(block(said).pooled_first) == said


def test_which_never_fall():
    assert set(ACTIVATIONS) - set(RISING) == {"gelu", "silu"}


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
@pytest.mark.parametrize("f", LEARNING)
def test_outputs_and_gradients_are_the_same(f, rule, backend):
    first, as_said = (network([word.format(f=f) for word in WORDS], rule, backend=backend) for _ in range(2))
    as_said.as_said = True
    for net, order in ((first, ["Conv2d", "MaxPool", "Act"]), (as_said, ["Conv2d", "Act", "MaxPool"])):
        assert [type(at.layer).__name__ for at in net.pass_for(9).blocks[1].at.leaves()] == order
    x, y = samples([84, 3])
    close({"predicted": first.predict(x)}, {"predicted": as_said.predict(x)}, 1e-14)
    close(first.gradients(x, y), as_said.gradients(x, y), 1e-12)


def places(net):
    return list(net.pass_for(9).blocks[1].at.leaves())


def test_an_activation_writes_over_what_nobody_reads_again():
    said = "conv 3 3x3 relu, conv 3 3x3, batch norm, tanh, pool 2, conv 3 3x3, batch norm, relu, conv 3 3x3 gelu"
    net = network(["input 2x6x7", said, "dense 3"], "bp")
    shared = [str(lower.layer) for lower, upper in pairwise(places(net)) if lower.y is upper.y]
    assert [str(at.layer) for at in places(net)][3:6] == ["batch norm", "pool 2", "tanh"]
    assert shared == ["conv 3 3x3", "batch norm"]
