"""Settings that some rules, each of its own kind, must leave alone or refuse."""

import pytest
from rulelab import moved, trainer

import gpufa


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
    with pytest.raises(gpufa.InvalidValue, match="goes through the net in a way of its own; leave --residual out"):
        gpufa.Network([5, 6, 6, 3], rule=rule, residual=True, backend="numpy")
