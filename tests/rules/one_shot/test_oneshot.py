"""ELM, NN-LIFT and evolution strategies in training: both backends, resumed runs, the digits, and what is refused."""

import dataclasses

import numpy as np
import pytest
from oneshotlab import an_epoch, config, rng
from rulelab import DATA, close, host, network, put, samples, trainer, values

import gpufa
from gpufa.rules import make_rule

NAMES = "elm", "nn_lift", "evolution"
HIDDEN = {"elm": (5, 4), "nn_lift": (7,), "evolution": (5, 4)}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rule", NAMES)
def test_steps_are_the_same_on_both_backends_and_for_a_replica_alone(rule, backend):
    def trained(backend, seeds):
        made = trainer(rule=rule, hidden=HIDDEN[rule], backend=backend, seeds=seeds)
        for epoch in (0, 1):
            made.progress.epoch, made.progress.batch = epoch, 0
            made.begin_epoch()
            an_epoch(made)
        return values(made.net)

    both = trained("numpy", (0, 1))
    if backend == "cupy":
        close(trained("cupy", (0, 1)), both)
        return
    for r in (0, 1):
        close(trained("numpy", (r,)), {name: p[r] for name, p in both.items()})
    assert all(np.abs(p[0] - p[1]).max() > 1e-6 for p in both.values())


@pytest.mark.parametrize("rule", NAMES)
def test_resume_is_bit_for_bit(rule, tmp_path):
    class Stop(gpufa.Callback):
        def on_step(self, trainer):
            trainer.stop_requested |= trainer.progress.step == 9

    settings = config(rule=rule, hidden=HIDDEN[rule], dtype="float32", seeds=(1,))
    whole = gpufa.train(settings, DATA)
    paths = [tmp_path / name for name in ("half", "cut", "start")]
    gpufa.train(dataclasses.replace(settings, epochs=1, out=str(paths[0])), DATA)
    assert gpufa.train(dataclasses.replace(settings, out=str(paths[1])), DATA, callbacks=[Stop()]).interrupted
    gpufa.train(dataclasses.replace(settings, epochs=0, out=str(paths[2])), DATA)
    for path in paths:
        again = gpufa.resume(path, epochs=2, data=DATA)
        close(dict(again.network.parameters), dict(whole.network.parameters), 0)
        np.testing.assert_array_equal(again.history.epochs["test_loss"], whole.history.epochs["test_loss"])


@pytest.mark.parametrize("rule", NAMES)
def test_nothing_changes_outside_training(rule, backend):
    sizes = [5, 6, 3]
    net = network(sizes, rule, backend=backend)
    for array in net.state.values():
        put(net, array, rng.normal(size=array.shape))
    before, state = values(net), {name: host(net, a) for name, a in net.state.items()}
    batch = samples(sizes)
    first = net.gradients(*batch)
    close(net.gradients(*batch), first, 0)
    net.alignment(*batch)
    close(values(net), before, 0)
    close({name: host(net, a) for name, a in net.state.items()}, state, 0)
    assert all(g.any() == (rule == "evolution") for g in first.values())


@pytest.mark.parametrize(
    ("rule", "options", "text"),
    [
        ("elm", {"ridge": -1.0}, "ridge -1.0 can't be used; set rule.ridge to a number of at least 0"),
        ("elm", {"ridge": "much"}, "ridge 'much' can't be used"),
        ("nn_lift", {"ridge": float("nan")}, "ridge nan can't be used"),
        ("nn_lift", {"ridge": True}, "ridge True can't be used"),
        ("elm", {"bias": 0.0}, "scale of the hidden biases 0.0 can't be used; set rule.bias to a number above 0"),
        ("evolution", {"pairs": 0}, "number of pairs 0 can't be used; set rule.pairs to a whole number of at least 1"),
        ("evolution", {"sigma": 0}, "deviation of the perturbations 0 can't be used; set rule.sigma"),
    ],
)
def test_bad_options_are_refused(rule, options, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        make_rule(rule, options)
    assert text in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "settings", "bound"),
    [
        ("elm", {"hidden": (256, 256)}, 4.0),  # measured: 1.9 +- 0.6
        ("nn_lift", {"hidden": (256,)}, 9.0),  # 4.6 +- 0.4: the digits are far from Gaussian, ELM's random units better
        ("evolution", {"hidden": (16, 16), "epochs": 25}, 16.0),  # 7.5 +- 2.5, and 3.8 +- 0.7 after 50 epochs
    ],
)
def test_the_digits_are_learnt(rule, settings, bound):
    run = gpufa.train(gpufa.Config(data="digits", rule=rule, backend="numpy", seeds=(0,), **settings))
    assert run.summary["test_error"][0] < bound
