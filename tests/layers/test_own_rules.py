"""Rules of one's own by send and pull: what they write in their own words is what shipped rules do."""

import numpy as np
import pytest
from ownlab import BATCH, LAYERED, MIXED, NETS, RESIDUAL, Own, refused, rule
from rulelab import close, network, samples

from gpufa.basics.arrays import T

READS = {"slice": lambda a: a[:], "copy": lambda a: a.copy(), "itself": lambda a: a, "view": lambda a: a[..., :]}
GIVEN = pytest.mark.parametrize("read", READS.values(), ids=READS)


def taken(net, s):
    """What a signal stands for, as an array."""
    array = s.signal if s.matrix is None else s.matrix @ s.signal
    return array if s.plus is None else array + s.plus


@NETS
@GIVEN
def test_what_is_pulled_may_be_sent_as_any_kind_of_array(words, read, backend):
    def lower(self, net, k):
        s = net.pull(k + 1)
        net.send(k, s._replace(signal=read(s.signal), plus=None if s.plus is None else read(s.plus)))

    def whole(self, net, k):
        net.send(k, read(taken(net, net.pull(k + 1))))

    bp = network(words, "bp", backend=backend).gradients(*BATCH)
    close(network(words, Own, backend=backend).gradients(*BATCH), bp, 0)
    close(network(words, rule(lower=lower), backend=backend).gradients(*BATCH), bp, 1e-13)
    close(network(words, rule(lower=whole), backend=backend).gradients(*BATCH), bp, 1e-13)


@NETS
@GIVEN
def test_the_error_may_be_sent_as_any_kind_of_array(words, read, backend):
    def deltas(self, net, e):
        net.send(net.L, read(e))
        for k in reversed(net.hidden):
            net.send(k, net.pull(k + 1))

    def twice(self, net, e):
        deltas(self, net, 2 * e)

    bp = network(words, "bp", backend=backend).gradients(*BATCH)
    close(network(words, rule(deltas=deltas), backend=backend).gradients(*BATCH), bp, 1e-13)
    doubled = network(words, rule(deltas=twice), backend=backend).gradients(*BATCH)
    close(doubled, {name: 2 * g for name, g in bp.items()}, 1e-12)


@GIVEN
def test_what_goes_through_a_matrix_is_that_product_alone(read, backend):
    """In a dense net that is backprop; where there are skip connections it has lost their share, whatever is read."""

    def lower(self, net, k):
        net.send(k, net.through(T(net.W[k + 1]), read(net.delta[k + 1])))

    dense = [5, 6, 6, 3]
    close(network(dense, rule(lower=lower), "tanh", backend=backend).gradients(*BATCH),
          network(dense, "bp", "tanh", backend=backend).gradients(*BATCH), 1e-13)  # fmt: skip
    found = network(RESIDUAL, rule(lower=lower), backend=backend).gradients(*BATCH)
    again = network(RESIDUAL, rule(lower=lambda self, net, k: lower(self, net, k)), backend=backend).gradients(*BATCH)
    close(found, again, 0)
    bp = network(RESIDUAL, "bp", backend=backend).gradients(*BATCH)
    close(found, bp, 1e-13, names=["W3", "W4", "W5", "b3", "b4", "b5"])
    assert all(not np.allclose(found[name], bp[name], rtol=1e-2) for name in ("W1", "W2"))


@NETS
def test_nothing_of_an_earlier_batch_is_left(words, backend):
    for name in ("bp", "fa", "dfa", "kp", "usf"):
        net = network(words, name, backend=backend)
        first = net.gradients(*BATCH)
        net.gradients(*samples([5, 3], seed=4))
        close(net.gradients(*BATCH), first, 0)


def test_a_product_right_below_a_skip_connection_is_refused(backend):
    def lower(self, net, k):
        net.inject(k, T(net.W[k + 1]), net.delta[k + 1])

    net = network(RESIDUAL, rule(lower=lower), backend=backend)
    text = ("inject(2, matrix, signal) can't know whether the signal comes down from block 3, 'residual(dense 6 tanh)',"
            " which hands down more than a product; write net.send(2, net.pull(3)) where it does, or net.send(2,"
            " net.through(matrix, signal)) where it doesn't")  # fmt: skip
    refused(lambda: net.gradients(*BATCH), text)


def test_a_product_right_below_a_block_of_layers_is_refused(backend):
    def deltas(self, net, e):
        net.inject(2, net.parameters["W1.2"], net.parameters["W1.2"])

    refused(
        lambda: network(LAYERED, rule(deltas=deltas), backend=backend).gradients(*BATCH), "block 3, 'dense 4 tanh, d"
    )


@pytest.mark.parametrize("words", [RESIDUAL, LAYERED, MIXED])
def test_to_pull_before_anything_was_sent_is_refused(words, backend):
    def deltas(self, net, e):
        net.send(net.L, e)
        for k in net.hidden:  # from below
            net.send(k, net.pull(k + 1))

    net = network(words, rule(deltas=deltas), backend=backend)
    for _ in range(2):
        refused(lambda: net.gradients(*BATCH), "nothing was sent to it")
    made = network(words, "bp", backend=backend)
    p = made._error(*BATCH)
    made.rule.deltas(p, p.e)
    p.forward(made.backend.to_device(BATCH[0]))  # another pass
    refused(lambda: p.pull(2), "in this pass; call net.send(2, ...) before net.pull(2)")


def test_blocks_of_layers_learn_from_nothing_that_was_not_sent(backend):
    def deltas(self, net, e):
        for k in net.hidden:
            net.delta[k].fill(1)

    net = network(LAYERED, rule(deltas=deltas), backend=backend)
    refused(lambda: net.gradients(*BATCH), "block 1 learns from what it was sent, and nothing was sent to it in this")


@pytest.mark.parametrize("past", ["derivative", "dropout"])
@pytest.mark.parametrize("to", [1, range(1, 5)])
def test_nothing_goes_past_the_f_of_a_block_of_layers(past, to, backend):
    net = network(
        ["input 5", "dense 4, tanh, dense 4", "dense 6 tanh", "dense 4", "dense 4", "dense 3"], "dfa", backend=backend
    )
    p = net._error(*BATCH)
    B = net.backend.zeros((1, 4 if to == 1 else 18, 3), "float64")
    p.inject(to, B, p.e)
    refused(
        lambda: p.inject(to, B, p.e, **{past: False}), "block 1, 'dense 4 tanh, dense 4', has no f' or mask at its ou"
    )
