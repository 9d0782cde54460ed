"""Batches of true backprop among those of another rule: which, what they do, and what is told of them."""

import json

import numpy as np
import pytest
from rulelab import DATA, OWN, STEADY_EPS, close, trainer, values

import gpufa
from gpufa.checkpoints import hdf5
from gpufa.rules import RULES
from gpufa.training.course.stopping import Status
from gpufa.training.settings.toml import from_mapping, to_mapping
from gpufa.training.trainer import Trainer

ABLE = [name for name, rule in RULES.items() if rule.feedforward and name not in ("bp", "shallow")]
CONV = {"hidden": None, "layers": ("input 1x2x3", "conv 3 2x2 tanh, pool 2x1, dropout 0.25", "dense 4 tanh")}
SAME = {"init": "uniform", "lr": 0.05, "weight_decay": 0.0, **STEADY_EPS}
draw = np.random.default_rng(0)


def after(steps, **settings):
    """The weights of a run after some steps, its epochs beginning as they do."""
    run = trainer(**{"seeds": (0, 1)} | settings)
    for _ in range(steps):
        if run.progress.batch == run.batches.per_epoch:
            run.progress.epoch += 1
            run.progress.start_epoch()
            run.begin_epoch()
        run.step()
    return run


def weights(run):
    return {name: p for name, p in values(run.net).items() if name not in run.net.extras}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("rule", ABLE)
def test_such_a_step_is_one_of_backprop(rule, optimizer, backend):
    """Of W and b; under every optimizer, and with dropout over inputs and units."""
    settings = {**SAME, "optimizer": optimizer, "dropout": 0.25, "input_dropout": 0.25, "backend": backend}
    settings |= {"activation": RULES[rule].defaults["activation"]} | OWN.get(rule, {})
    options = settings.pop("rule_options", {})
    plain, found = (after(1, rule=rule, rule_options=options, calibrate=n, **settings) for n in (0, 1))
    close(weights(found), weights(after(1, rule="bp", **settings)), 1e-12)
    if rule != "dni_windows":  # which is backprop where there is no time
        assert any(not np.allclose(p, weights(found)[name]) for name, p in weights(plain).items())


@pytest.mark.parametrize(
    "settings",
    [CONV, {"clip": 0.05}, {"weight_decay": 0.1}, {"gradient": "sum"}, {"adversarial": 0.1}, {"freeze": (1,)},
     {"layer_lr": (0.1, 0.2, 0.3), "optimizer": "sgd"}, {"adversarial": 0.1, "adversarial_mix": "beside"},
     {"residual": True, "hidden": (5, 5)}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("rule", ["dfa", "kp"])
def test_under_other_settings_too(rule, settings, backend):
    if rule == "kp" and "clip" in settings:
        pytest.skip("the norm is that of its own B too")
    settings = {**SAME, "optimizer": "momentum", "backend": backend, **settings}
    found, bp = (weights(after(1, rule=one, calibrate=n, **settings)) for one, n in ((rule, 1), ("bp", 0)))
    close(found, bp, 1e-12)


@pytest.mark.parametrize("rule", ["kp", "dkp", "dfa"])
def test_what_a_rule_trains_and_remembers_goes_on_as_ever(rule):
    options = {"staleness": 2} if rule == "dfa" else {}
    one, other = (after(1, rule=rule, rule_options=options, calibrate=n, **SAME) for n in (1, 0))
    for name in one.net.extras:
        np.testing.assert_array_equal(values(one.net)[name], values(other.net)[name], err_msg=name)
    for name, kept in one.net.state.items():
        np.testing.assert_array_equal(kept, other.net.state[name], err_msg=name)
    assert one.net.extras or one.net.state


def test_it_is_the_first_batch_of_every_nth_epoch():
    """40 samples by 8: five steps an epoch."""
    settings = {**SAME, "rule": "dfa", "optimizer": "momentum"}
    for every, at in ((1, {0, 5, 10}), (2, {5}), (3, {10}), (4, set())):
        run, found = trainer(calibrate=every, **settings), set()
        for step in range(15):
            if run.progress.batch == 5:
                run.progress.epoch += 1
                run.progress.start_epoch()
            found |= {step} if run.calibration.due(run.progress) else set()
            run.progress.batch += 1
        assert found == at
    plain, found = (after(6, calibrate=n, **settings) for n in (0, 2))
    close(weights(after(5, calibrate=2, **settings)), weights(after(5, **settings)), 0)
    assert not np.allclose(weights(plain)["W1"], weights(found)["W1"])


def test_seeds_stand_alone_and_those_that_stopped_stay(backend):
    settings = {**SAME, "rule": "kp", "optimizer": "momentum", "calibrate": 1, "backend": backend}
    both = weights(after(7, **settings))
    single = weights(after(7, **settings | {"seeds": (1,)}))
    close({name: p[1] for name, p in both.items()}, single, 1e-10)
    run = trainer(**settings | {"seeds": (0, 1)})
    run.progress.status[0] = Status.PATIENCE
    run._activate()
    before = values(run.net)
    run.step()
    for name, p in values(run.net).items():
        assert np.array_equal(p[0], before[name][0]), name
    assert not np.array_equal(values(run.net)["W1"][1], before["W1"][1])


@pytest.mark.gpu
@pytest.mark.parametrize("rule", ["dfa", "kp"])
@pytest.mark.parametrize("net", [{}, CONV])
def test_recorded_steps_are_eager_ones_and_numpys(rule, net, monkeypatch):
    settings = {**SAME, "rule": rule, "optimizer": "momentum", "calibrate": 1, **net}
    recorded = weights(after(15, backend="cupy", **settings))
    close(recorded, weights(after(15, **settings)), 1e-10)
    from gpufa.backends.gpu.backend import CupyBackend

    monkeypatch.setattr(CupyBackend, "capture", lambda self, step, together=None: step)
    close(weights(after(15, backend="cupy", **settings)), recorded, 1e-10)


class StopAt(gpufa.Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, trainer):
        trainer.stop_requested = trainer.progress.step == self.step


def config(**more):
    common = {"rule": "dfa", "hidden": (8, 7), "epochs": 4, "batch_size": 16, "backend": "numpy", "dtype": "float64"}
    return gpufa.Config(**common | {"seeds": (0, 1), "calibrate": 2} | more)


@pytest.mark.filterwarnings("ignore::gpufa.GpufaWarning")
@pytest.mark.parametrize("stop", [3, 4, 5])  # of three steps an epoch: before such a step, behind it, and one later
def test_a_run_that_was_stopped_goes_on_to_the_bit(stop, tmp_path):
    whole = gpufa.train(config(), DATA)
    gpufa.train(config(out=str(tmp_path)), DATA, callbacks=[StopAt(stop)], on_interrupt="return")
    resumed = gpufa.resume(tmp_path, data=DATA)
    close(values(resumed.network), values(whole.network), 0)
    for run in (whole, resumed):
        assert run.history.epochs["backprop_steps"].tolist() == [0, 1, 0, 1]
        assert (run.summary["backprop_steps"], run.summary["steps"]) == (2, 12)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["backprop_steps"], summary["steps"]) == (2, 12)
    assert "backprop_steps" in (tmp_path / "history.csv").read_text().splitlines()[0]


@pytest.mark.filterwarnings("ignore::gpufa.GpufaWarning")
def test_without_it_no_file_speaks_of_it(tmp_path):
    gpufa.train(config(calibrate=0, out=str(tmp_path)), DATA)
    arrays, about = hdf5.read(tmp_path / "checkpoint.h5")
    texts = [(tmp_path / name).read_text() for name in ("config.toml", "history.csv", "summary.json")]
    assert not [text for text in (*texts, *arrays, json.dumps(about)) if "calibrate" in text or "backprop" in text]
    assert to_mapping(config())["calibrate"] == 2
    assert from_mapping(to_mapping(config())) == config()


@pytest.mark.filterwarnings("ignore::gpufa.GpufaWarning")
def test_rules_beside_each_other_say_it_each(tmp_path):
    found = gpufa.compare(config(epochs=2), ["dfa", "bp"], DATA)
    assert [note for note in found.notes if "backprop" in note] == ["dfa: 1 of 6 steps were true backprop"]
    assert [row.get("backprop_steps") for row in found.rows] == [1, None, None]


@pytest.mark.parametrize("rule", ["bp", "shallow"])
def test_where_nothing_changes_nothing_does(rule):
    one, other = (after(6, rule=rule, calibrate=n, **SAME) for n in (1, 0))
    close(values(one.net), values(other.net), 0)
    assert one.calibration.every == 0
    assert one.told == [f"calibrate changes nothing for rule {rule!r}, whose own gradients are true backprop's"]


def test_a_rule_made_from_backprop_is_calibrated_as_others_are():
    class Half(RULES["bp"]):
        """Half of backprop's signals below the output."""

        def deltas(self, net, e):
            super().deltas(net, e)
            for k in net.hidden:
                net.delta[k][...] *= 0.5

    made = [
        Trainer(config(rule="bp", calibrate=n, optimizer="sgd"), DATA, rule)
        for rule, n in ((Half, 1), (Half, 0), ("bp", 0))
    ]
    for one in made:
        one.rule.prepare(one.net, one.train[0], one.train[1])
        one.begin_epoch()
        one.step()
    calibrated, half, true = (values(one.net) for one in made)
    close(calibrated, true, 1e-14)
    assert not np.allclose(half["W1"], true["W1"])


def test_what_is_told():
    assert trainer(rule="dfa", calibrate=1).told == ["3 of 15 steps are true backprop: the first batch of every epoch"]
    assert trainer(rule="dfa", calibrate=2).told == ["1 of 15 steps are true backprop: the first batch of epoch 2"]
    none = trainer(rule="dfa", calibrate=4).told
    assert none == ["no step is true backprop: calibrate = 4 begins in epoch 4, and the epochs are 3"]
    many = trainer(rule="dfa", calibrate=10, epochs=480).told
    assert many == ["48 of 2,400 steps are true backprop: the first batch of epochs 10, 20, ..."]
    assert trainer(rule="dfa").told == []


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"rule": "elm"}, "rule 'elm' does not train the feed-forward net that backprop would; leave --calibrate out"),
        ({"rule": "forward_forward"}, "rule 'forward_forward' does not train the feed-forward net"),
        (
            {"rule": "dfa", "rule_options": {"inject": "pre_activation"}, "activation": "sign"},
            "true backprop does not pass block 1, 'dense 5 sign', whose derivative is zero; leave --calibrate out",
        ),
        ({"calibrate": -1}, "calibrate = -1 can't be used; expected a whole number of at least 0: change --calibrate"),
        ({"calibrate": 1.5}, "calibrate = 1.5 can't be used"),
    ],
)
def test_what_is_refused(settings, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        trainer(**{"calibrate": 1} | settings)
    assert text in str(error.value)
