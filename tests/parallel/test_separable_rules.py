"""Rules whose batches processes may share: what they make of a batch is the sum of what they make of its parts."""

from dataclasses import dataclass

import numpy as np
import pytest

import gpufa
from gpufa.net.batch.masks import Drops
from gpufa.net.batch.passes import Pass
from gpufa.net.batch.workspace import Workspace
from gpufa.net.learning.gradients import Gradients
from gpufa.net.state.clock import Clock
from gpufa.parallel.ranks import Share
from gpufa.rules import RULES, check_promise, make_rule

SEPARABLE = [name for name, cls in RULES.items() if cls().separable]
ACTIVATIONS = {"rbm": None, "forward_forward": "relu"}
M, STEP = 9, 5
PARTS = [(0, 4), (4, M)], [(0, 1), (1, 3), (3, M)]
LAYERS = ["input 1x4x3", "conv 3 3x3 tanh, dropout 0.3, pool 2", "dense 6 tanh, dropout 0.2"]


def dense(rule):
    """A net with a step of training behind it, and its batch: x, (R, m, n_0), and targets."""
    f = ACTIVATIONS.get(rule, "tanh")
    return with_batch(
        gpufa.Network([12, 8, 8, 3], activation=f, rule=rule, seeds=[1, 2], dtype="float64", init="uniform")
    )


def with_batch(net):
    draw = np.random.default_rng(0)
    x, labels = draw.random((2, M, 12)), draw.integers(0, 3, (2, M))
    net.rule.prepare(net, x[0], labels[0])
    y = np.zeros((2, 3, M))
    np.put_along_axis(y, labels[:, None], 1, axis=1)
    return net, x, y


def gradients(net, x, y, share, drops=Drops(0.2, 0.3)):  # noqa: B008
    """What a share of the batch adds to the gradients of the whole batch's mean, (R, size); state stays as it was."""
    before = {name: state.copy() for name, state in net.state.items()}
    clock = Clock(net.backend, 1, 4, "float64")
    clock.set(STEP, 0, [[1, 1, 0.1, 0.1]])
    clock.tick()
    p = Pass(net, share.own, drops, clock, share)
    p.y[...] = y[..., share.part]
    p.evaluate(net.rule.forward, np.ascontiguousarray(x[:, share.part]))
    found = net.new_arena()
    sums = Gradients(found, [(1 / share.whole, net.sizes.every)], extras=list(net.extras))
    net.rule.gradients(p, sums)
    sums.finish()
    for name, state in before.items():
        net.state[name][...] = state
    return found.flat


def apart(net, x, y, parts, **kw):
    """How far the parts' sum is from the whole, in parts of the largest gradient."""
    whole = gradients(net, x, y, Share(0, M, M), **kw)
    found = sum(gradients(net, x, y, Share(a, b - a, M), **kw) for a, b in parts)
    return np.abs(whole - found).max() / np.abs(whole).max()


@pytest.mark.parametrize("parts", PARTS, ids=["halves", "thirds"])
@pytest.mark.parametrize("rule", SEPARABLE)
def test_parts_of_a_batch_add_up(rule, parts):
    """With dropout of units and inputs, and with what the rule draws for each sample."""
    assert apart(*dense(rule), parts) < 1e-12


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "kp", "layerwise"])
def test_parts_of_a_batch_add_up_in_layered_nets(rule):
    net = gpufa.Network([*LAYERS, "dense 3"], rule=rule, seeds=[1, 2], dtype="float64")
    assert apart(*with_batch(net), PARTS[0], drops=Drops(0.2, inside=True)) < 1e-12


def own_part_alone(self, out, drop, stream, axis=-1, rows=None):
    self.backend.dropout(out, drop, self.seeds, self.step, stream=stream)


def first_part_each(self, law, out, stream, scale=1.0, add=False, by_sample=False):
    self.backend.random(law, out, self.seeds, gpufa.basics.random.Purpose.RULE, self.step, stream, scale, add)


@pytest.mark.parametrize(
    ("rule", "draw", "mistaken"), [("dfa", "dropout", own_part_alone), ("dtp", "random", first_part_each)]
)
def test_numbers_that_each_process_draws_for_itself_would_be_found(monkeypatch, rule, draw, mistaken):
    """The likeliest mistake: a share's samples get the numbers of the batch's first ones."""
    monkeypatch.setattr(Workspace, draw, mistaken)
    assert apart(*dense(rule), PARTS[0]) > 1e-3


@pytest.mark.parametrize("rule", [name for name in RULES if name not in SEPARABLE])
def test_other_rules_are_refused(rule):
    with pytest.raises(gpufa.InvalidValue) as refused:
        check_promise(make_rule(rule, {}), "separable")
    said = str(refused.value)
    assert said.startswith(f"rule {rule!r} learns from a batch what its parts don't add up to, or keeps something of")
    assert said.endswith(f"train it by one process, or by one of {', '.join(SEPARABLE)}")


def test_rules_that_keep_something_of_a_batch_by_an_option_alone():
    check_promise(make_rule("rbm", {}), "separable")
    with pytest.raises(gpufa.InvalidValue, match="rule 'rbm' learns from a batch"):
        check_promise(make_rule("rbm", {"persistent": True}), "separable")


def own(**attributes):
    """A rule that is dfa but for these."""
    return dataclass(frozen=True)(type("Own", (gpufa.rules.DFA,), attributes))()


@pytest.mark.parametrize("hook", ["forward", "deltas", "gradients", "after_update", "after_epoch"])
def test_a_class_that_writes_a_hook_anew_promises_nothing(hook):
    assert not own(**{hook: lambda self, *rest: None}).separable
    with pytest.raises(gpufa.InvalidValue, match="rule 'own'"):
        check_promise(own(**{hook: lambda self, *rest: None}), "separable")
    assert own(separable=True, **{hook: lambda self, *rest: None}).separable


def test_a_class_that_writes_none_keeps_the_promise():
    assert own(name="mine").separable
