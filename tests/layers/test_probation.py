"""What would go wrong in silence in a rule of one's own is refused before it trains; hooks that log cost nothing."""

import numpy as np
import pytest
from ownlab import BATCH, LAYERED, NETS, RESIDUAL, Own, on_probation, refused, rule
from rulelab import DATA, close, network, values

import gpufa
from gpufa.basics.arrays import T
from gpufa.rules.alignment.fa import FA
from gpufa.rules.baselines.bp import BP
from gpufa.training.trainer import Trainer


@NETS
@pytest.mark.parametrize("made", ["bp", "fa", "dfa", "kp", "usf", "brsf", "shallow", Own])
def test_rules_that_keep_their_word_are_taken(words, made, backend):
    on_probation(network(words, made, backend=backend))


@NETS
def test_a_delta_that_is_never_written_is_refused(words, backend):
    def deltas(self, net, e):
        net.send(net.L, e)
        net.send(net.hidden[-1], net.pull(net.L))

    net = network(words, rule(deltas=deltas), backend=backend)
    text = (
        "rule 'mine' leaves net.delta[1] as it was, so that layer 1 would never learn; let its deltas call net.send(1,"
    )
    refused(lambda: on_probation(net), text)


def test_a_delta_of_one_that_is_not_filled_is_refused(backend):
    def deltas(self, net, e):
        net.send(net.L, e)
        for k in net.hidden:
            net.send(k, net.through(T(net.W[k + 1]), net.delta[k + 1]))

    net = network(RESIDUAL, rule(deltas=deltas), backend=backend)
    text = "rule 'mine' makes net.delta[1] of a delta that it has not filled"
    refused(lambda: on_probation(net), text)


def test_a_delta_that_is_written_behind_what_was_sent_is_refused_where_it_would_be_lost(backend):
    def deltas(self, net, e):
        Own.deltas(self, net, e)
        net.delta[2] *= 0.5

    net = network(LAYERED, rule(deltas=deltas), backend=backend)
    text = "rule 'mine' writes net.delta[2] of block 2, 'residual(dense 7 gelu, dense 4)', whose layers learn from what"
    refused(lambda: on_probation(net), text)
    net = network(RESIDUAL, rule(deltas=deltas), backend=backend)
    on_probation(net)
    half, whole = net.gradients(*BATCH), network(RESIDUAL, Own, backend=backend).gradients(*BATCH)
    close({"W2": 2 * half["W2"]}, whole, 1e-13, names=["W2"])


@NETS
def test_an_output_that_is_changed_behind_the_forward_pass_is_refused(words, backend):
    def forward(self, net, x):
        a = Own.forward(self, net, x)
        a *= 2
        return a

    def mended(self, net, x):
        a = net.forward(x)
        a *= 2
        return a

    net = network(words, rule(forward=forward), backend=backend)
    text = "rule 'mine' changes net.a[" + str(net.sizes.L) + "] behind super().forward(net, x), which takes the error"
    refused(lambda: on_probation(net), text)
    text = "rule 'mine' does not go through the net as net.forward(x) does; let it say feedforward = False"
    refused(lambda: on_probation(network(words, rule(forward=mended), backend=backend)), text)
    on_probation(network(words, rule(forward=mended, feedforward=False), backend=backend))


def test_a_forward_pass_that_knows_no_skip_connections_is_refused_in_a_net_that_has_some(backend):
    def forward(self, net, x):
        net.take(x)
        for k in net.hidden:
            net.layer(k, net.h[k - 1], net.h[k], a=net.a[k])
            net.sent[k][...] = net.h[k]
        net.layer(net.L, net.h[net.L - 1], net.h[net.L], a=net.a[net.L])
        return net.a[net.L]

    made = rule(forward=forward)
    text = "rule 'mine' does not go through the net as net.forward(x) does; let it say feedforward = False"
    refused(lambda: on_probation(network(RESIDUAL, made, backend=backend)), text)
    on_probation(network([5, 6, 6, 3], made, "tanh", backend=backend))


def test_gradients_of_other_signals_than_the_deltas_must_be_told(backend):
    def gradients(self, net, grads):
        self.deltas(net, net.e)
        net.delta[1] *= 3
        grads.layers_of(net)

    text = "rule 'mine' has gradients of other signals or activity than its deltas leave; let it say so: makes = frozen"
    refused(lambda: on_probation(network([5, 6, 6, 3], rule(gradients=gradients), "tanh", backend=backend)), text)
    told = rule(gradients=gradients, makes=frozenset({"signals", "gradients"}))
    on_probation(network([5, 6, 6, 3], told, "tanh", backend=backend))


def test_what_a_rule_remembers_stays_as_it_was(backend):
    def deltas(self, net, e):
        net.state["steps"] += 1
        Own.deltas(self, net, e)

    made = rule(deltas=deltas, state=lambda self, sizes: {"steps": (1,)})
    net = network([5, 6, 6, 3], made, "tanh", backend=backend)
    on_probation(net)
    assert not net.state["steps"].any()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_gradients_of_ones_own_must_be_told(optimizer, backend):
    def more(self, net, grads):
        Own.gradients(self, net, grads)
        grads.product(f"W{net.L}", net.e, net.sent[net.L - 1])

    def none(self, net, grads):
        self.deltas(net, net.e)

    told = {"makes": frozenset({"signals", "gradients"})}

    def run(made):
        config = gpufa.Config(layers=LAYERED[1:-1], optimizer=optimizer, batch_size=8, seeds=(0,), epochs=1,
                              backend=backend, dtype="float64")  # fmt: skip
        started = Trainer(config, DATA, made)
        started.begin_epoch()
        started.step()
        return started

    refused(
        lambda: run(rule(gradients=more)), 'beside those of its signals; let it say so: makes = frozenset({"signals",'
    )
    refused(
        lambda: run(rule(gradients=none)), "rule 'mine' hands over no gradients; let its gradients(net, grads) call"
    )
    assert not run(rule(gradients=more, **told)).update.direct
    logged = []

    def log(self, net, grads):
        Own.gradients(self, net, grads)
        logged.append(net.m)

    assert run(rule(gradients=log)).update.direct == (optimizer == "sgd")
    assert logged
    close(values(run(rule(gradients=log)).net), values(run(Own).net), 0)


@pytest.mark.parametrize("hand_over", ["layer", "product", "sums", "array"])
def test_gradients_of_what_the_net_does_not_have_are_refused(hand_over, backend):
    def gradients(self, net, grads):
        Own.gradients(self, net, grads)
        arrays = {"layer": (net.delta[2], net.sent[1]), "product": (net.delta[2], net.sent[1]), "sums": (net.delta[2],)}
        getattr(grads, hand_over)(2 if hand_over == "layer" else "W2", *arrays.get(hand_over, ()))

    made = rule(gradients=gradients, makes=frozenset({"signals", "gradients"}))
    text = (
        "the net has no parameter 'W2' to hand over a gradient of; it has W1.1, W1.2, W2.1, W2.2, W3.1, W3.2, W4, b1.1"
    )
    refused(lambda: network(LAYERED, made, backend=backend).gradients(*BATCH), text)
    network(RESIDUAL, made, backend=backend).gradients(*BATCH)


@pytest.mark.parametrize("base", [BP, FA])
def test_hooks_that_only_log_cost_nothing(base, backend):
    seen = []

    class Logging(base):
        def deltas(self, net, e):
            super().deltas(net, e)
            seen.append("deltas")

        def forward(self, net, x):
            seen.append("forward")
            return super().forward(net, x)

        def gradients(self, net, grads):
            super().gradients(net, grads)
            seen.append("gradients")

    plain, logging = (network(RESIDUAL, made, backend=backend) for made in (base, Logging))
    assert logging.sizes.residual == (2, 3)
    close(logging.gradients(*BATCH), plain.gradients(*BATCH), 0)
    close(logging.alignment(*BATCH), plain.alignment(*BATCH), 0)
    assert np.isfinite(logging.alignment(*BATCH)["gradient"]).all()
    assert {*seen} == {"deltas", "forward", "gradients"}
    on_probation(logging)


@pytest.mark.parametrize("use", ["2 * x", "x * 2", "x - 1", "x > 0", "x == 0", "float(x)", "len(x)", "x[0]", "x.mean()",
                                 "np.mean(x)", "np.asarray(x)", "x @ np.eye(2)", "x.__setitem__(0, 1)"])  # fmt: skip
def test_a_rule_that_prepares_itself_by_the_samples_must_say_so(use):
    def prepare(self, model, x, y):
        eval(use, {"np": np, "x": x})

    config = gpufa.Config(hidden=(5,), epochs=1, seeds=(0,), backend="numpy")
    text = "rule 'mine' prepares itself by the training samples without saying so; add \"samples\" to its needs"
    refused(lambda: gpufa.train(config, DATA, rule=rule(prepare=prepare)), text)
    seen = []
    made = rule(prepare=lambda self, model, x, y: seen.append(x.dtype), needs=frozenset({"matrix", "samples"}))
    gpufa.train(config, DATA, rule=made)
    assert seen == [np.float32]


class WithoutSkips(gpufa.Rule):
    feedforward = False

    def deltas(self, net, e):
        net.delta.stacked.fill(0)


@pytest.mark.parametrize(
    ("sizes", "kw", "text"),
    [
        ([4, 5, 5, 3], {"residual": True}, "goes through the net in a way of its own, which knows no skip connections"),
        (["input 4", "dense 5 tanh, dense 5 tanh", "dense 3"], {}, "takes blocks of one dense layer each"),
    ],
)
def test_a_way_forward_of_its_own_takes_plain_layers_unless_it_goes_by_blocks(sizes, kw, text):
    gpufa.Network([4, 5, 5, 3], rule=WithoutSkips, backend="numpy")
    refused(lambda: gpufa.Network(sizes, rule=WithoutSkips, backend="numpy", **kw), f"rule 'withoutskips' {text}")
    by_blocks = type("ByBlocks", (WithoutSkips,), {"needs": frozenset({"pull", "derivative"})})
    gpufa.Network(sizes, rule=by_blocks, backend="numpy", **kw)
