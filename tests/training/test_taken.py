"""What gpufa.train takes, and the axis of seeds of what it leaves."""

import dataclasses

import numpy as np
import pytest

import gpufa
from gpufa.checkpoints import hdf5

N = 40
RNG = np.random.default_rng(8)
X = RNG.normal(size=(N, 3))
LABELS = np.arange(N) % 2
HOLES = np.where(RNG.random((N, 3)) < 0.1, np.nan, X)
SMALL = gpufa.Config(hidden=(5,), epochs=2, seeds=(0,), backend="numpy", dtype="float64", init="uniform")


def trained(data, **settings):
    return gpufa.train(dataclasses.replace(SMALL, **settings), data=data)


def same(one, other):
    for name, array in one.network.parameters.items():
        host = one.network.backend.to_host
        np.testing.assert_array_equal(host(other.network.parameters[name]), host(array), err_msg=name)


def test_forms_of_the_same_data():
    split = gpufa.load_data((X, LABELS), 0.3)
    first = trained(split)
    for data in (
        tuple(split),
        list(split),
        split._asdict(),
        {"X_train": split[0], "train_labels": split[1], "test_x": split[2], "y_test": split[3][:, None]},
    ):
        same(first, trained(data))
    images = {"Images": X[:, None], "labels": LABELS}
    for data in (X, LABELS), [X, LABELS[:, None]], {"data": X, "target": LABELS}, images:
        same(first, trained(data, test_fraction=0.3))
    with pytest.raises(gpufa.InvalidValue, match=r"has a test part of its own; leave out test_fraction=0.3"):
        trained(split, test_fraction=0.3)


def test_real_targets_stay_so_that_were_read_as_such():
    """Of whole numbers, which on their own are classes."""
    data = gpufa.load_data((X, LABELS), task="regression")
    assert trained(data).network.about.task == "regression"


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_several_seeds_have_an_axis_and_one_has_none(seeds, tmp_path):
    net = trained((X, LABELS), seeds=seeds, out=str(tmp_path)).network
    R = (len(seeds),) if len(seeds) > 1 else ()
    for one in net, gpufa.load(tmp_path), gpufa.Network([3, 5, 2], rule="dfa", seeds=seeds):
        assert one.single == (len(seeds) == 1)
        assert one.parameters["W1"].shape == (*R, 5, 3)
        assert one.feedback["B1"].shape == (*R, 5, 2)
        assert one.predict(X).shape == (*R, N, 2)
        assert np.shape(one.loss(X, LABELS)) == R
        assert one.evaluate(X, LABELS)["error"].shape == (len(seeds),)
        assert one.gradients(X, LABELS)["b2"].shape == (*R, 2)
        assert one.signals(X, LABELS)["h1"].shape == (*R, N, 5)
        assert one.alignment(X, LABELS)["per_sample"].shape == (*R, 1)
    assert gpufa.Network([3, 5, 2], seed=0).predict(X).shape == (N, 2)


@pytest.mark.parametrize("scaling", ["none", "standard"])
@pytest.mark.parametrize(("name", "fitted"), [("mean", np.nanmean), ("median", np.nanmedian)])
def test_missing_values_are_filled_in_as_if_by_hand(name, fitted, scaling, tmp_path, backend):
    data = gpufa.load_data((HOLES, LABELS), missing=name)
    value = fitted(data.x_train, axis=0)
    by_hand = data._replace(**{x: np.where(np.isnan(a), value, a) for x, a in data._asdict().items() if x[0] == "x"})
    settings = {"scaling": scaling, "backend": backend}
    run = trained((HOLES, LABELS), missing=name, out=str(tmp_path / "run"), **settings)
    same(run, hand := trained(tuple(by_hand), **settings))
    assert run.summary["test_error"] == hand.summary["test_error"]
    for net in run.network, gpufa.load(tmp_path / "run"):
        np.testing.assert_array_equal(net.filling.value, value)
        np.testing.assert_array_equal(net.predict(data.x_test), hand.network.predict(by_hand.x_test))
        np.testing.assert_array_equal(net.predict(HOLES[:1]), net.predict(np.where(np.isnan(HOLES), value, HOLES)[:1]))
        np.testing.assert_array_equal(net.loss(*data[:2]), hand.network.loss(*by_hand[:2]))


def test_a_run_with_missing_values_is_resumed_bit_for_bit(tmp_path):
    whole = trained((HOLES, LABELS), missing="median", epochs=4, validation=0.2, samples=25)
    trained((HOLES, LABELS), missing="median", epochs=2, validation=0.2, samples=25, out=str(tmp_path))
    same(whole, gpufa.resume(tmp_path, epochs=4, data=(HOLES, LABELS)))


@pytest.mark.parametrize("missing", ["mean", "drop"])
@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_all_of_it_together_is_resumed_bit_for_bit(missing, seeds, tmp_path):
    """Gaps, weights of samples and of classes, and the best epoch's weights, of one seed and of several."""
    config = dataclasses.replace(
        SMALL,
        **{"missing": missing, "seeds": seeds, "keep": "best", "validation": 0.25, "lr": 0.5},
        **{"class_weights": "balanced", "test_fraction": 0.3, "epochs": 4},
    )
    weights = RNG.uniform(0.5, 2, N)
    whole = gpufa.train(config, (HOLES, LABELS), sample_weights=weights)
    gpufa.train(dataclasses.replace(config, epochs=2, out=str(tmp_path)), (HOLES, LABELS), sample_weights=weights)
    resumed = gpufa.resume(tmp_path, epochs=4, data=(HOLES, LABELS), sample_weights=weights)
    same(whole, resumed)
    assert resumed.summary["test_error"] == whole.summary["test_error"]
    assert gpufa.load(tmp_path).predict(X).shape == whole.network.predict(X).shape
    with pytest.raises(gpufa.InvalidValue, match=r"was trained with weights of samples, and there are none now"):
        gpufa.resume(tmp_path, epochs=5, data=(HOLES, LABELS))


def test_weights_of_samples_that_are_left_out_count_for_nothing():
    """As if the samples had never been there."""
    kept = ~np.isnan(HOLES).any(axis=1)
    weights = np.where(kept, RNG.uniform(0.5, 2, N), 1000)
    config = dataclasses.replace(SMALL, test_fraction=0.3)
    dropped = gpufa.train(dataclasses.replace(config, missing="drop"), (HOLES, LABELS), sample_weights=weights)
    same(dropped, gpufa.train(config, (X[kept], LABELS[kept]), sample_weights=weights[kept]))


def test_rules_beside_each_other_take_what_train_takes():
    data = {"data": HOLES, "target": LABELS}
    with pytest.warns(gpufa.GpufaWarning, match="figures of 1 seed say little"):
        found = gpufa.compare(dataclasses.replace(SMALL, missing="mean"), ("bp", "dfa"), data)
    assert all(run.network.filling is not None for run in found.runs.values())
    assert all(run.network.parameters["W1"].shape == (5, 3) for run in found.runs.values())


def test_values_are_those_of_the_samples_that_are_trained_on():
    run = trained((HOLES, LABELS), missing="mean", samples=20)
    data = gpufa.load_data((HOLES, LABELS), missing="mean")
    assert not np.array_equal(run.network.filling.value, np.nanmean(data.x_train, axis=0))


def test_a_run_without_missing_values_has_no_trace_of_them(tmp_path):
    trained((X, LABELS), out=str(tmp_path))
    arrays, metadata = hdf5.read(tmp_path / "checkpoint.h5")
    assert not any("filling" in name for name in arrays)
    assert "missing" not in metadata["config"]
    assert "about" not in metadata
    assert "missing =" not in (tmp_path / "config.toml").read_text()


def test_a_feature_without_a_value_in_training_is_refused():
    with pytest.raises(gpufa.InvalidValue, match=r"column 1 \(counted from 0\) has no value in any training sample"):
        trained((np.c_[X[:, 0], np.full(N, np.nan)], LABELS), missing="mean")


def test_a_checkpoint_with_another_filling_is_refused(tmp_path):
    trained((HOLES, LABELS), missing="mean", out=str(tmp_path))
    arrays, metadata = hdf5.read(path := tmp_path / "checkpoint.h5")
    hdf5.write(path, arrays | {"filling/value": np.zeros(2)}, metadata)
    with pytest.raises(gpufa.FileProblem, match=r"its filling is not of so many features as its network has"):
        gpufa.load(path)
