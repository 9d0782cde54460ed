"""Settings that some rules, each of its own kind, must leave alone or refuse."""

import pytest
from rulelab import moved, network, samples, trainer

import gpufa
from gpufa.rules.alignment.signs import SignSymmetry
from gpufa.rules.direct.centred import CentredSignal
from gpufa.rules.forward_only.goodness import ForwardOnly
from gpufa.rules.local.unsupervised import Unsupervised


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_weight_decay_leaves_alone_what_a_rule_does_not_train(optimizer):
    settings = {"optimizer": optimizer, "lr": 0.1, "weight_decay": 0.1}
    assert moved(rule="shallow", **settings) == {"W3", "b3"}
    assert moved(rule="elm", **settings) == set()
    assert not moved(rule="forward_forward", **settings) & {"W3", "b3"}


@pytest.mark.parametrize("rule", ["eqprop", "forward_forward", "elm"])
def test_perturbing_inputs_takes_the_feed_forward_net(rule):
    with pytest.raises(gpufa.InvalidValue, match="leave --adversarial out"):
        trainer(rule=rule, adversarial=0.1)


@pytest.mark.parametrize("rule", ["eqprop", "pepita"])
def test_rules_with_a_way_of_their_own_are_refused(rule):
    with pytest.raises(
        gpufa.InvalidValue,
        match="goes through the net in a way of its own, which knows no skip connections, and block 2 is",
    ):
        gpufa.Network([5, 6, 6, 3], rule=rule, residual=True, backend="numpy")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (CentredSignal, r"must define signal\(net, e, out\)"),
        (SignSymmetry, r"must define magnitudes\(net, name, shape, stream\)"),
        (Unsupervised, r"must define learn\(net, grads, k\)"),
        (ForwardOnly, r"must define threshold_of\(sizes, k\)"),
    ],
)
def test_what_a_kind_leaves_open_must_be_defined(kind, text):
    class Mine(kind):
        pass

    with pytest.raises(NotImplementedError, match=f"Mine {text}"):
        network([12, 6, 6, 3], Mine()).gradients(*samples([12, 6, 6, 3]))


@pytest.mark.gpu
def test_bfloat16_can_not_add_skip_connections():
    settings = {"precision": "bf16", "dtype": "float32", "backend": "cupy", "hidden": (5, 5), "residual": True}
    with pytest.raises(gpufa.InvalidValue, match="precision 'bf16' can't add skip connections; leave one of them out"):
        trainer(**settings)


@pytest.mark.parametrize(
    ("attribute", "value", "text"),
    [
        ("uses_derivative", False, 'which says nothing any more; say needs, with "derivative" in it or without'),
        ("takes_residual", property(lambda self: False), 'say needs, with "plain" in it where the rule knows no skip'),
        ("stored_feedback", property(lambda self: True), 'say needs, with "stored" in it or without, in its place'),
        ("needs", ("matrix",), r"needs of rule 'mine' can't be \('matrix',\); give a frozenset of pull, matrix, plain"),
        ("needs", frozenset({"matrix", "derivate"}), r"can't be \['derivate', 'matrix'\]; give a frozenset of pull"),
        ("makes", "signals", "makes of rule 'mine' can't be 'signals'; give a frozenset of signals, gradients"),
        ("makes", frozenset(), r"makes of rule 'mine' can't be \[\]; give a frozenset of signals, gradients"),
        ("feedforward", lambda self: False, "feedforward of rule 'mine' can't be .*; give True or False"),
        ("feeds", None, "feeds of rule 'mine' can't be None; give True or False"),
        ("linear", 1, "linear of rule 'mine' can't be 1; give True or False"),
    ],
)
def test_what_a_rule_says_of_itself_must_be_understood(attribute, value, text):
    made = type("Mine", (gpufa.Rule,), {attribute: value})
    for rule in (made, made()):
        with pytest.raises(gpufa.InvalidValue, match=text):
            network([4, 6, 2], rule)
