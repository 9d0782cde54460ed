"""Populations of units that adapt and units that don't, in one layer (Bellec et al. 2018, 2020)."""

import re

import numpy as np
import pytest
from rulelab import host, network, put

import gpufa
from gpufa.layers import ALIF, block
from gpufa.net.batch.passes import NOTHING, Pass
from gpufa.net.learning.gradients import Gradients
from gpufa.net.state.clock import Clock
from gpufa.rules import make_rule

X = np.random.default_rng(3).normal(size=(4, 3, 7))
UNITS = "tau 5 threshold 0.3 refractory 2"
LIF, ALL, MIXED = f"lif 6 {UNITS}", f"alif 6 {UNITS} tau_a 8 beta 0.4", f"alif 6 {UNITS} tau_a 8 beta 0.4 adapting 2"
DOES_NOT = np.arange(6) < 4


def found(word, by, backend):
    """Spikes, and what a given signal makes of the weights, where none lead from the ones to the others."""
    rule = by if by in ("bp", "dfa") else make_rule("eprop", {"by": by})
    net = network(["input 3x7", f"{word} all", "dense 3"], rule, backend=backend)
    put(net, net.parameters["U1"], host(net, net.parameters["U1"]) * (DOES_NOT[:, None] == DOES_NOT))
    p, arena = Pass(net, 4, NOTHING, Clock(net.backend, 1, 1, net.dtype)), net.new_arena()
    p.evaluate(net.rule.forward, net.backend.to_device(X.reshape(4, -1)))
    p.send(2, p.e)
    signal = net.backend.to_device(np.random.default_rng(4).normal(size=(1, 42, 4)))
    if by == "dfa":
        p.reach(1, signal)
    else:
        p.send(1, signal, None if by == "bp" else {"U1": None})
    grads = Gradients(arena, [(1.0, net.sizes.every)], extras=list(net.extras))
    grads.layers_of(p)
    grads.finish()
    made = {name: host(net, arena[name])[0] for name in ("W1", "U1", "b1")}
    return {**made, "z": host(net, p.h[1])[0].reshape(6, 7, 4)}


@pytest.mark.parametrize("by", ["bp", "traces", "history", "dfa"])
@pytest.mark.parametrize("reset", ["", " reset zero"])
def test_units_that_do_not_adapt_are_lif_to_the_bit(by, reset, backend, same_bits):
    """And those that do are alif."""
    mixed, lif, every = (found(word + reset, by, backend) for word in (MIXED, LIF, ALL))
    for name, one in mixed.items():
        for pure, own in ((lif, slice(4)), (every, slice(4, 6))):
            at = (own, own) if name == "U1" else own
            same_bits(one[at], pure[name][at], name)
            assert np.abs(one[at]).max() > 1e-3
    assert not np.array_equal(mixed["z"][4:], lif["z"][4:])
    assert not np.array_equal(mixed["z"][:4], every["z"][:4])


def test_words_say_how_many_adapt():
    (layer,) = block(MIXED).layers
    assert layer == ALIF(6, tau=5, threshold=0.3, refractory=2, tau_a=8, beta=0.4, adapting=2)
    assert str(layer) == MIXED
    np.testing.assert_array_equal(layer.betas, [0, 0, 0, 0, 0.4, 0.4])
    assert str(block("alif 6 adapting 6")) == "alif 6"
    np.testing.assert_array_equal(ALIF(3, beta=0.5).betas, [0.5] * 3)


@pytest.mark.parametrize("adapting", [0, 7, 2.5])
def test_a_number_of_them_that_cannot_be_is_refused(adapting):
    said = f"the adapting units of alif can't be {adapting}; give a whole number of at "
    with pytest.raises(gpufa.InvalidValue, match=re.escape(said)):
        ALIF(6, adapting=adapting)
