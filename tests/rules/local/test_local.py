"""Every local rule in training: replicas, both backends, chance, resumed runs, and what is refused."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
from locallab import SIZES, UNIT
from rulelab import close, host, network, put, rng, trainer, values

import gpufa
from gpufa.rules import make_rule
from gpufa.rules.local.rbm import RBM

SETTINGS = [
    ("layerwise", {}),
    ("hebbian", {}),
    ("hebbian", {"variant": "sanger"}),
    ("hebbian", {"variant": "oja"}),
    ("rbm", {}),
    ("rbm", {"k": 3, "visible": "samples"}),
    ("rbm", {"persistent": True, "particles": 5}),
    ("rbm", {"persistent": True, "particles": 5, "k": 2, "visible": "samples"}),
]


# Hebbian


@pytest.mark.parametrize("rule", ["hebbian", "rbm"])
def test_hidden_layers_know_nothing_of_labels_and_of_layers_above(rule, backend):
    net = network(SIZES, rule, backend=backend)
    x, y = rng.random((9, 5)), rng.integers(0, 3, 9)
    first = net.gradients(x, y)
    for name in ("W3", "b3"):
        put(net, net.parameters[name], rng.normal(size=net.parameters[name].shape))
    again = net.gradients(x, (y + 1) % 3)
    close(again, first, 0, set(first) - {"W3", "b3"})
    assert np.abs(again["W3"] - first["W3"]).max() > 1e-2
    for name in ("W2", "b2"):
        put(net, net.parameters[name], rng.normal(size=net.parameters[name].shape))
    close(net.gradients(x, y), first, 0, [name for name in first if name[1] == "1"])


def settings_of(rule, options, **kw):
    return {"rule": rule, "rule_options": options, "init": "uniform", "dtype": "float64", **kw}


def arrays(run):
    return values(run.net) | {name: host(run.net, a) for name, a in run.net.state.items()}


def stepped(steps=11, **settings):
    run = trainer(UNIT, **settings)
    for step in range(steps):
        if step % 5 == 0:
            run.progress.epoch, run.progress.batch = step // 5, 0
            run.begin_epoch()
        run.step()
    return run


# All of them in training


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("rule", "options"), SETTINGS, ids=str)
def test_replicas_are_single_runs_and_backends_agree(rule, options, backend):
    settings = settings_of(rule, options, dropout=0.3)
    both = stepped(seeds=(0, 1), backend=backend, **settings)
    for r in (0, 1):
        one = arrays(stepped(seeds=(r,), **settings))
        many = {name: a[r] for name, a in arrays(both).items()}
        close({name: a.reshape(many[name].shape) for name, a in one.items()}, many)
    start = values(trainer(UNIT, seeds=(0, 1), backend=backend, **settings).net)
    for name, p in values(both.net).items():
        assert np.abs(p - start[name]).max() > 1e-6, name


@pytest.mark.parametrize("rule", ["hebbian", "rbm"])
def test_what_dropout_hides_is_hidden_from_learning(rule):
    """Layer 2 and the output layer learn from what layer 1 and 2 sent, mask and all."""
    run = trainer(UNIT, **settings_of(rule, {}, dropout=0.5, optimizer="sgd", lr=0.1, weight_decay=0.0))
    before = values(run.net)
    run.step()
    (step,) = run._steps.values()
    x, sent, e = (host(run.net, a)[0] for a in (step.p.sent[1], step.p.sent[2], step.p.e))
    moved = {name: p - before[name] for name, p in values(run.net).items()}
    np.testing.assert_allclose(moved["W3"], -0.1 * e @ sent.T / 8, atol=1e-14)
    if rule == "rbm":
        np.testing.assert_array_equal(step.p.array("data2", 5, 8)[0], x)
    else:
        W, a = before["W2"], before["W2"] @ x + before["b2"][:, None]
        y = a - a.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(moved["W2"], 0.1 / 5 * (y @ x.T - y @ y.T @ W) / 8, atol=1e-14)


def test_no_two_draws_share_their_random_numbers(monkeypatch):
    for options in ({"k": 4, "visible": "samples"}, {"k": 4, "persistent": True}, {}):
        net, streams = network(SIZES, RBM(**options)), []
        monkeypatch.setattr(
            "gpufa.net.batch.passes.Pass.random", lambda *a, stream, seen=streams, **kw: seen.append(stream)
        )
        net.gradients(rng.random((9, 5)), np.zeros(9, int))
        assert len(set(streams)) == len(streams) >= 4


@pytest.mark.parametrize(("rule", "options"), SETTINGS, ids=str)
def test_a_step_of_sgd_is_the_rules_gradient_at_any_batch_sum(rule, options):
    """Mean and sum differ by the number of samples, the particles' part included."""
    deltas = []
    for gradient in ("mean", "sum"):
        run = trainer(UNIT, **settings_of(rule, options, gradient=gradient, optimizer="sgd", lr=0.01, weight_decay=0.0))
        before = values(run.net)
        run.step()
        deltas.append({name: p - before[name] for name, p in values(run.net).items()})
    close(deltas[1], {name: 8 * d for name, d in deltas[0].items()}, 1e-12)


@pytest.mark.parametrize(("rule", "options"), [SETTINGS[i] for i in (0, 2, 7)], ids=str)
def test_resume_is_bit_for_bit(rule, options, tmp_path):
    config = gpufa.Config(
        **settings_of(rule, options, hidden=(5, 4), batch_size=8, seeds=(0, 1), backend="numpy"), epochs=2
    )
    whole = gpufa.train(config, UNIT)
    gpufa.train(dataclasses.replace(config, epochs=1, out=str(tmp_path / "half")), UNIT)
    resumed = gpufa.resume(tmp_path / "half", epochs=2, data=UNIT)
    for kind in ("parameters", "state"):
        ours, theirs = getattr(resumed.network, kind), getattr(whole.network, kind)
        close(ours, theirs, 0)
    assert bool(whole.network.state) == ("persistent" in options)
    assert all(np.abs(a).max() > 0 for a in whole.network.state.values())


@pytest.mark.parametrize(("rule", "options"), SETTINGS, ids=str)
def test_nothing_is_allocated_in_a_step(rule, options):
    data = gpufa.Data(rng.random((640, 200)), np.arange(640) % 10, rng.random((10, 200)), np.arange(10))
    run = trainer(data, rule=rule, rule_options=options, hidden=(300, 200), batch_size=64)
    for _ in range(3):
        run.step()
    tracemalloc.start()
    for _ in range(3):
        run.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 300 * 8 / 5


@pytest.mark.parametrize(
    ("rule", "options", "text"),
    [
        ("hebbian", {"variant": "anti"}, "unknown form of Oja's rule 'anti'; set rule.variant to one of subspace, "),
        ("hebbian", {"rate": 0}, "rate of the hidden layers 0 can't be used; set rule.rate to a number above 0"),
        ("rbm", {"k": 0}, "number of Gibbs sweeps 0 can't be used; set rule.k to a whole number of at least 1"),
        ("rbm", {"particles": 0.5}, "number of particles 0.5 can't be used; set rule.particles to a whole number"),
        ("rbm", {"persistent": "yes"}, "persistent = 'yes' can't be used; set rule.persistent to true or false"),
        ("rbm", {"visible": "means"}, "unknown state of visible units 'means'; set rule.visible to one of prob"),
    ],
)
def test_options_of_no_use_are_refused(rule, options, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        make_rule(rule, options)
    assert text in str(error.value)
