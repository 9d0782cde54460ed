"""Runs on scaled inputs and targets: what is trained, told, kept, resumed and started from."""

import dataclasses
import json

import numpy as np
import pytest
from traininglab import DATA, config, parameters, same

import gpufa
from gpufa.checkpoints import hdf5
from gpufa.commands.main import main
from gpufa.data.samples.data import Data
from gpufa.data.samples.scaling import fit_scaling
from gpufa.training.trainer import Trainer

rng = np.random.default_rng(0)
WIDE = DATA._replace(x_train=DATA.x_train * 100 + 7, x_test=DATA.x_test * 100 + 7)
UNITS, MIDDLES = np.array([1e4, 1e-3]), np.array([1e6, -1.0])


def reals():
    """Targets of other units and middles."""
    x = rng.normal(size=(160, 5))
    y = np.tanh(x @ rng.normal(size=(5, 2))) * UNITS + MIDDLES
    return Data(x[:120], y[:120], x[120:], y[120:])


REALS = reals()


def by_hand(data, what):
    """The data as `standard` makes them."""
    scaling = fit_scaling("standard", getattr(data, f"{what}_train"))
    return data._replace(**{f"{what}_{part}": scaling.apply(getattr(data, f"{what}_{part}")) for part in PARTS})


PARTS = "train", "test"


@pytest.mark.parametrize("options", [{}, {"validation": 0.2, "input_noise": 0.1}], ids=str)
def test_a_scaled_run_is_the_run_on_data_scaled_by_hand(options, tmp_path):
    run = gpufa.train(config(scaling="standard", out=str(tmp_path), **options), WIDE)
    plain = gpufa.train(config(**options), by_hand(WIDE, "x"))
    same(parameters(run), parameters(plain))
    for name in "train_error", "test_error", "test_loss":
        assert run.summary[name] == plain.summary[name]
    for net in run.network, gpufa.load(tmp_path):
        np.testing.assert_array_equal(net.predict(WIDE.x_test), plain.network.predict(by_hand(WIDE, "x").x_test))
        found = net.evaluate(WIDE.x_test, WIDE.y_test)
        np.testing.assert_array_equal(found["error"], run.summary["test_error"])
        np.testing.assert_array_equal(found["loss"], run.history.epochs["test_loss"][-1])


def test_predictions_are_of_the_very_numbers_that_training_saw(backend):
    for kind in np.uint8, np.int16, np.int64, np.float32, np.float64:
        x = (np.abs(WIDE.x_train) % 200).astype(kind)
        for dtype in "float32", "float64":
            settings = config(scaling="standard", dtype=dtype, backend=backend)
            trainer = Trainer(settings, WIDE._replace(x_train=x, x_test=x, y_test=WIDE.y_train))
            seen = trainer.net.backend.to_host(trainer.net.as_floats(trainer.train[0]))
            given = trainer.net.backend.to_host(trainer.net.scaled_inputs(x))
            assert seen.dtype == given.dtype == dtype
            np.testing.assert_array_equal(given, seen)
            np.testing.assert_array_equal(given, trainer.net.backend.to_host(trainer.test[0]))


@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_a_scaled_run_goes_on_bit_for_bit(tmp_path, kind):
    data = WIDE._replace(x_train=np.abs(WIDE.x_train).astype(kind), x_test=np.abs(WIDE.x_test).astype(kind))
    settings = config(scaling="minmax", epochs=6)
    whole = gpufa.train(settings, data)
    gpufa.train(dataclasses.replace(settings, epochs=2, out=str(tmp_path)), data)
    resumed = gpufa.resume(tmp_path, epochs=6, data=data)
    same(parameters(resumed), parameters(whole))
    np.testing.assert_array_equal(resumed.network.predict(data.x_test), whole.network.predict(data.x_test))


def test_a_start_hands_its_scaling_over(tmp_path, recwarn):
    first = gpufa.train(config(scaling="standard", out=str(tmp_path / "first")), WIDE)
    start = config(epochs=0, start=str(tmp_path / "first"), out=str(tmp_path / "second"))
    assert not list(recwarn)
    with pytest.warns(gpufa.GpufaWarning, match="scaling is that of the start, '.*first'"):
        second = gpufa.train(start, WIDE)
    np.testing.assert_array_equal(second.network.predict(WIDE.x_test), first.network.predict(WIDE.x_test))
    assert second.summary["test_error"] == first.summary["test_error"]
    again = gpufa.train(dataclasses.replace(start, scaling="standard", out=None), WIDE)
    np.testing.assert_array_equal(again.network.scaling.shift, first.network.scaling.shift)
    assert not [w for w in recwarn if "scaling is" in str(w.message)]


def test_a_run_with_a_scaling_of_its_start_goes_on_with_it(tmp_path):
    gpufa.train(config(scaling="standard", out=str(tmp_path / "first")), WIDE)
    other = WIDE._replace(x_train=WIDE.x_train * 2)  # of which the start's scaling is not
    settings = config(start=str(tmp_path / "first"), epochs=4)
    with pytest.warns(gpufa.GpufaWarning, match="scaling is that of the start"):
        whole = gpufa.train(settings, other)
    with pytest.warns(gpufa.GpufaWarning, match="scaling is that of the start"):
        gpufa.train(dataclasses.replace(settings, epochs=1, out=str(tmp_path / "half")), other)
    (tmp_path / "first").rename(tmp_path / "gone")
    same(parameters(gpufa.resume(tmp_path / "half", epochs=4, data=other)), parameters(whole))


@pytest.mark.parametrize("scaling", ["unit", "minmax", "standard"])
def test_a_start_on_raw_inputs_takes_no_scaling(tmp_path, scaling):
    gpufa.train(config(out=str(tmp_path)), DATA)
    with pytest.raises(
        gpufa.InvalidValue, match=rf"was trained without scaling, and '{scaling}' makes .*; leave --scaling out"
    ):
        gpufa.train(config(start=str(tmp_path), scaling=scaling), DATA)


def test_a_start_with_another_scaling_is_refused(tmp_path):
    gpufa.train(config(scaling="standard", out=str(tmp_path)), WIDE)
    text = "made for another scaling than '{}' of these data; leave --scaling out, and theirs is taken"
    with pytest.raises(gpufa.InvalidValue, match=text.format("unit")):
        gpufa.train(config(start=str(tmp_path), scaling="unit"), WIDE)
    with pytest.raises(gpufa.InvalidValue, match=text.format("standard")):
        gpufa.train(config(start=str(tmp_path), scaling="standard"), DATA)
    fewer = DATA._replace(x_train=DATA.x_train[:, :4], x_test=DATA.x_test[:, :4])
    with pytest.raises(gpufa.InvalidValue, match="a scaling of 6 values a sample, but the data have 4; start from"):
        gpufa.train(config(start=str(tmp_path)), fewer)


def test_compare_looks_at_the_starts_scaling_before_it_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fast = ["--hidden", "4", "--epochs", "1", "--seeds", "0", "--quiet"]
    assert main(["train", *fast, "--scaling", "standard", "--out", "first"]) == 0
    compare = ["compare", "--rules", "dfa", *fast, "--start", "first", "--out", "c"]
    assert main([*compare, "--scaling", "unit"]) == 2
    assert "another scaling than 'unit'" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()
    with pytest.warns(gpufa.GpufaWarning) as told:
        assert main(compare) == 0
    assert "scaling is that of the start, 'first'" in [str(w.message) for w in told]


# Targets


def test_scaled_targets_are_trained_on_and_scored_in_their_own_unit(tmp_path, backend):
    settings = config(target_scaling="standard", epochs=30, lr=0.01, rule="bp", validation=0.1, backend=backend)
    run = gpufa.train(dataclasses.replace(settings, out=str(tmp_path)), REALS)
    plain = gpufa.train(dataclasses.replace(settings, target_scaling="none"), by_hand(REALS, "y"))
    same({n: run.network.backend.to_host(p) for n, p in run.network.parameters.items()},
         {n: plain.network.backend.to_host(p) for n, p in plain.network.parameters.items()})  # fmt: skip
    assert run.summary["test_loss"] == plain.summary["test_loss"]
    loaded = gpufa.load(tmp_path, backend=backend)
    predicted = loaded.predict(REALS.x_test)
    residual = np.square(predicted - REALS.y_test)
    rmse, spread = np.sqrt(residual.mean(axis=(1, 2))), np.square(REALS.y_test - REALS.y_test.mean(0)).sum()
    np.testing.assert_allclose(run.summary["test_rmse"], rmse)
    np.testing.assert_allclose(run.history.epochs["test_rmse"][-1], rmse)
    np.testing.assert_allclose(loaded.evaluate(REALS.x_test, REALS.y_test)["rmse"], rmse)
    np.testing.assert_allclose(run.summary["test_r2"], 1 - residual.sum(axis=(1, 2)) / spread)
    assert min(run.summary["test_r2"]) > 0.8
    assert max(run.summary["validation_rmse"]) > 100


def test_a_run_on_scaled_targets_goes_on_and_may_be_a_start(tmp_path):
    settings = config(target_scaling="standard", scaling="standard", epochs=6)
    whole = gpufa.train(settings, REALS)
    gpufa.train(dataclasses.replace(settings, epochs=2, out=str(tmp_path)), REALS)
    same(parameters(gpufa.resume(tmp_path, epochs=6, data=REALS)), parameters(whole))
    with pytest.warns(gpufa.GpufaWarning, match="target_scaling is that of the start"):
        after = gpufa.train(config(start=str(tmp_path), epochs=0, scaling="standard"), REALS)
    np.testing.assert_array_equal(after.network.predict(REALS.x_test), whole.network.predict(REALS.x_test))
    other = REALS._replace(y_train=REALS.y_train * 2)
    with pytest.raises(gpufa.InvalidValue, match=r"another target_scaling than 'standard' .* leave --target-scaling"):
        gpufa.train(dataclasses.replace(settings, start=str(tmp_path)), other)
    gpufa.train(config(out=str(tmp_path), scaling="standard"), REALS, force=True)
    with pytest.raises(gpufa.InvalidValue, match="was trained without target_scaling, and 'standard' makes"):
        gpufa.train(dataclasses.replace(settings, start=str(tmp_path)), REALS)


def test_only_a_run_that_scales_its_targets_says_so_in_its_files(tmp_path):
    for name in "none", "standard":
        gpufa.train(config(target_scaling=name, epochs=1, out=str(tmp_path / name)), REALS)
        arrays, metadata = hdf5.read(tmp_path / name / "checkpoint.h5")
        used = name != "none"
        assert ("target_scaling/shift" in arrays) == ("target_scaling/factor" in arrays) == used
        assert ("target_scaling" in metadata["config"]) == used
        assert ("target_scaling" in (tmp_path / name / "config.toml").read_text()) == used
    assert gpufa.train(config(epochs=1), REALS).network.target_scaling is None


def test_target_scaling_is_for_regression():
    with pytest.raises(gpufa.InvalidValue, match="for real-valued targets, but these are labels; remove --target-sc"):
        Trainer(config(target_scaling="standard"), DATA)
    shares = DATA._replace(y_train=np.eye(3)[DATA.y_train], y_test=np.eye(3)[DATA.y_test])
    with pytest.raises(gpufa.InvalidValue, match="goes with the loss squared_error, not cross_entropy; leave one"):
        Trainer(config(target_scaling="standard", loss="cross_entropy"), shares)
    with pytest.raises(
        gpufa.InvalidValue, match="target_scaling = 'unit' can't be used; expected one of none, standard"
    ):
        config(target_scaling="unit")


def test_the_command_line_predicts_in_the_targets_own_unit(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    y = 1_700_000_000 + np.round(10 * REALS.x_train[:, :1])
    np.savez("times.npz", x=REALS.x_train, y=y)
    settings = [
        "--task",
        "regression",
        "--hidden",
        "16",
        "--rule",
        "bp",
        "--epochs",
        "60",
        "--lr",
        "0.01",
        "--seeds",
        "0",
        "--quiet",
    ]
    assert main(["train", "--data", "times.npz", "--target-scaling", "standard", *settings, "--out", "run"]) == 0
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["test_rmse"][0] < 5
    np.savez("inputs.npz", x=REALS.x_train)
    capsys.readouterr()
    assert main(["predict", "run", "inputs.npz"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "output_0"
    assert np.abs(np.array(lines[1:], float) - y[:, 0]).mean() < 5


# Numbers that do not fit


def test_values_beyond_the_type_are_told_before_training(recwarn):
    x, y = REALS.x_train.copy(), REALS.y_train.copy()
    x[7, 2], y[4, 1] = 1e39, -1e39
    single = config(dtype="float32")
    with pytest.raises(
        gpufa.InvalidValue, match=r"x_train: the value 1e\+39 in row 7, column 2 .* beyond float32; take"
    ):
        Trainer(single, REALS._replace(x_train=x))
    with pytest.raises(
        gpufa.InvalidValue, match=r"y_train: the value -1e\+39 in row 4, column 1 .* beyond float32; take"
    ):
        Trainer(single, REALS._replace(y_train=y))
    with pytest.raises(gpufa.InvalidValue, match=r"x_test: the value 1e\+39 in row 7"):
        Trainer(single, REALS._replace(x_test=x, y_test=REALS.y_train))
    with pytest.raises(gpufa.InvalidValue, match=r"y_test: the value -1e\+39 in row 4"):
        Trainer(single, REALS._replace(x_test=REALS.x_train, y_test=y))
    Trainer(config(dtype="float64"), REALS._replace(x_train=x, y_train=y))
    Trainer(dataclasses.replace(single, scaling="standard", target_scaling="standard"), REALS._replace(x_train=x))
    assert not list(recwarn)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-200, 1e39, 1e200])
def test_inputs_of_any_size_train_alike_once_they_are_scaled(size, dtype, recwarn):
    settings = config(scaling="standard", dtype=dtype, rule="bp", epochs=2)
    runs = [gpufa.train(settings, DATA._replace(x_train=DATA.x_train * s, x_test=DATA.x_test * s)) for s in (1, size)]
    for name, p in parameters(runs[0]).items():
        np.testing.assert_allclose(p, parameters(runs[1])[name], rtol=1e-3, atol=1e-5)
    assert runs[0].summary["test_error"] == runs[1].summary["test_error"]
    assert not list(recwarn)


def test_a_range_beyond_float64_is_told(recwarn):
    x = np.abs(DATA.x_train)
    x[0, 0], x[1, 0] = 1.7e308, -1.7e308
    for scaling in "unit", "minmax":
        with pytest.raises(gpufa.InvalidValue, match="beyond float64 once it is scaled; give them in another unit"):
            Trainer(config(scaling=scaling), DATA._replace(x_train=x))
    assert not list(recwarn)


def test_a_time_stamp_is_learned_from():
    late = rng.integers(0, 100, (200, 1))
    x, y = np.c_[1_700_000_000 + late, rng.integers(0, 9, 200)], (late[:, 0] > 50).astype(int)
    for dtype in "float32", "float64":
        settings = config(scaling="standard", rule="bp", epochs=30, lr=0.01, dtype=dtype)
        run = gpufa.train(settings, (x[:150], y[:150], x[150:], y[150:]))
        assert max(run.summary["test_error"]) <= 8
        assert max(run.network.evaluate(x[150:], y[150:])["error"]) <= 8


@pytest.mark.parametrize("part", PARTS)
def test_targets_that_the_loss_is_not_for_are_refused(part):
    good = np.eye(3)[DATA.y_train], np.eye(3)[DATA.y_test]
    data = DATA._replace(y_train=good[0], y_test=good[1])
    for loss, value, text in (
        ("cross_entropy", 2.0, r"cross_entropy: those of sample 4 \(counted from 0\) sum to "),
        ("binary_cross_entropy", 1.5, "binary_cross_entropy: there is 1.5, and they must be within 0 and 1"),
    ):
        gpufa.train(config(loss=loss, epochs=1), data)
        y = getattr(data, f"y_{part}").copy()
        y[4, 0] = value
        with pytest.raises(gpufa.InvalidValue, match=f"y_{part} don't go with the loss {text}"):
            Trainer(config(loss=loss), data._replace(**{f"y_{part}": y}))


def test_compare_refuses_targets_before_it_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez("reals.npz", x=REALS.x_train, y=REALS.y_train)
    compare = ["compare", "--rules", "bp", "dfa", "--data", "reals.npz", "--loss", "cross_entropy", "--out", "c"]
    assert main(compare) == 2
    assert "don't go with the loss cross_entropy: there is -1." in capsys.readouterr().err
    assert not (tmp_path / "c").exists()
