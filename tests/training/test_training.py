"""The training loop: replicas, scores, probes, allocation, and what is refused."""

import tracemalloc

import numpy as np
import pytest
from traininglab import DATA, OPTIONS, config, parameters, rng, same

import gpufa
from gpufa.data.samples.data import Data
from gpufa.training.trainer import Trainer


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_replica_is_its_single_run(options):
    many = gpufa.train(config(**options), DATA)
    for r, seed in enumerate(many.network.seeds):
        one = gpufa.train(config(**options, seeds=(seed,)), DATA)
        same({n: p[r] for n, p in parameters(many).items()}, parameters(one), exact=False)
        np.testing.assert_allclose(
            many.history.epochs["test_loss"][:, r], one.history.epochs["test_loss"][:, 0], rtol=1e-9
        )
        np.testing.assert_allclose(
            many.history.probes["per_sample"][:, r], one.history.probes["per_sample"][:, 0], rtol=1e-6
        )


def test_seeds_differ_from_each_other():
    p = parameters(gpufa.train(config(), DATA))["W1"]
    assert np.abs(p[0] - p[1]).max() > 1e-3


def test_two_runs_of_the_same_settings_leave_the_same_checkpoint_but_for_the_times(tmp_path):
    from gpufa.checkpoints import hdf5

    found = []
    for name in "ab":
        gpufa.train(config(out=str(tmp_path / name)), DATA)
        arrays, metadata = hdf5.read(tmp_path / name / "checkpoint.h5")
        del arrays["history/epochs/seconds"], metadata["config"]["out"]
        found.append((arrays, metadata))
    assert found[0][1] == found[1][1]
    same(found[0][0], found[1][0])


@pytest.mark.usefixtures("drawn")
def test_no_epochs_at_all_leave_the_net_as_it_was_drawn(tmp_path):
    run = gpufa.train(config(epochs=0, init="uniform", out=str(tmp_path)), DATA)
    start = Trainer(config(init="uniform"), DATA).net.parameters
    same(parameters(run), dict(start))
    assert (tmp_path / "curves.png").exists()
    same(parameters(gpufa.resume(tmp_path, epochs=4, data=DATA)), parameters(gpufa.train(config(init="uniform"), DATA)))


def test_real_valued_targets_are_scored_by_r2_and_rmse():
    x = rng.normal(size=(200, 5))
    y = np.tanh(x @ rng.normal(size=(5, 2)))
    run = gpufa.train(config(rule="bp", epochs=40, lr=0.01, scaling="standard"), (x[:150], y[:150], x[150:], y[150:]))
    assert run.config.loss == "squared_error"
    predicted = run.network.predict(x[150:])
    rmse = np.sqrt(((predicted - y[150:]) ** 2).mean(axis=(1, 2)))
    np.testing.assert_allclose(run.summary["test_rmse"], rmse)
    r2 = 1 - ((predicted - y[150:]) ** 2).sum(axis=(1, 2)) / ((y[150:] - y[150:].mean(0)) ** 2).sum()
    np.testing.assert_allclose(run.summary["test_r2"], r2)
    assert min(r2) > 0.8
    assert "test_error" not in run.summary


def test_probes_every_few_steps():
    run = gpufa.train(config(probe_every=5, rule="fa"), DATA)
    assert run.history.probes["step"].tolist() == list(range(5, 25, 5))
    assert run.history.probes["per_sample"].shape == (4, 3, 2)
    assert len(run.summary["alignment_deg"]) == 2


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "ifa"])
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_nothing_is_allocated_in_the_loop(rule, optimizer):
    data = Data(rng.normal(size=(640, 200)), np.arange(640) % 10, rng.normal(size=(10, 200)), np.arange(10))
    trainer = Trainer(
        config(rule=rule, hidden=(300, 200), batch_size=64, optimizer=optimizer, lr=0.01, seeds=(0,)), data
    )
    trainer.begin_epoch()
    for _ in range(3):
        trainer.step()
    tracemalloc.start()
    for _ in range(3):
        trainer.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    smallest_slab = 64 * 300 * 8
    assert peak < smallest_slab / 5


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"freeze": (4,)}, "layer 4 can't be frozen; the net has layers 1 to 3"),
        ({"layer_lr": (0.1,)}, "1 learning rates were given for 3 layers"),
        ({"patience": 3}, "patience needs validation samples; add --validation 0.1"),
        ({"optimizer": "lion"}, "unknown optimizer 'lion'"),
        (
            {"schedule": "linear"},
            "unknown schedule 'linear'; choose one of constant, step, cosine, or hand in your own",
        ),
        ({"batch_size": 0}, "batch_size = 0 can't be used; expected a whole number of at least 1: change --batch-size"),
        ({"lr": float("nan")}, "lr = nan can't be used; expected a number above 0"),
        ({"dropout": 1.0}, "dropout = 1.0 can't be used; expected 0, or a number between 2^-17 and 1 - 2^-17"),
        ({"seeds": ()}, "seeds = () can't be used; expected one or more whole numbers"),
        ({"activation": 3}, "activation = (3,) can't be used; expected one or more names"),
        ({"hidden": object}, "hidden = <class 'object'> can't be used; expected whole numbers"),
        ({"epochs": "many"}, "epochs = 'many' can't be used; expected a whole number of at least 0"),
        ({"dropout": 1 - 2**-17}, "dropout = 0.9999923706054688 can't be used; expected 0, or a number between 2^-17"),
        ({"input_dropout": 2**-17}, "input_dropout = 7.62939453125e-06 can't be used; expected 0, or a number between"),
        ({"depth_drop": 1e-9}, "depth_drop = 1e-09 can't be used; expected 0, or a number between 2^-17 and 1 - 2^-17"),
        ({"rule_options": 3}, "rule_options = 3 can't be used; expected a table of options"),
        ({"gradient": "median"}, "gradient = 'median' can't be used; expected one of mean, sum"),
    ],
)
def test_settings_that_are_refused(options, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        gpufa.train(config(**options), DATA)
    assert text in str(error.value)


def test_label_noise_needs_labels():
    with pytest.raises(gpufa.InvalidValue, match="label_noise is for labels"):
        gpufa.train(config(label_noise=0.1), (DATA.x_train, DATA.x_train[:, :2], DATA.x_test, DATA.x_test[:, :2]))


@pytest.mark.parametrize(("rule", "freeze"), [("bp", ()), ("fa", ()), ("dfa", ()), ("ifa", ()), ("dfa", (1, 2))])
def test_narrow_nets_on_the_digits_tell_a_working_rule_from_a_broken_one(rule, freeze):
    """Every rule with its own defaults below 5 % error; the hidden layers frozen above 20 %."""
    init = "uniform" if freeze else None
    run = gpufa.train(gpufa.Config(rule=rule, hidden=(16, 16), freeze=freeze, init=init, backend="numpy"))
    mean = np.mean(run.summary["test_error"])
    assert mean > 20 if freeze else mean <= 5


@pytest.mark.parametrize("scaling", ["none", "unit", "minmax", "standard"])
def test_bytes_train_as_the_floats_that_they_are(scaling, tmp_path):
    images = [np.clip(x * 20 + 128, 0, 255).astype(np.uint8) for x in (DATA.x_train, DATA.x_test)]
    runs = []
    for kind in (np.uint8, np.float64):
        data = Data(images[0].astype(kind), DATA.y_train, images[1].astype(kind), DATA.y_test)
        settings = config(scaling=scaling, validation=0.2, input_noise=0.1, out=str(tmp_path / kind.__name__))
        runs.append(gpufa.train(settings, data))
    for name, p in parameters(runs[0]).items():
        np.testing.assert_allclose(p, parameters(runs[1])[name], rtol=1e-4, atol=1e-6)
    for name in ("train_error", "test_error", "validation_loss"):
        np.testing.assert_allclose(runs[0].summary[name], runs[1].summary[name], rtol=1e-4)


def test_figures_that_are_not_finite_are_told_without_numpys_warnings(recwarn):
    config = gpufa.Config(rule="forward_forward", init="uniform", init_scale=1e30, hidden=(8,), epochs=1, seeds=(0,))
    gpufa.train(config)
    assert [str(w.message) for w in recwarn] == []
