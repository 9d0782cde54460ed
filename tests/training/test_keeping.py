"""Which weights a run is left with: each seed's best by its validation part, or its last."""

import dataclasses

import numpy as np
import pytest
from traininglab import DATA, Poison, config, parameters, same

import gpufa
from gpufa.checkpoints import hdf5, networks
from gpufa.runs import tables
from gpufa.runs.summary import summary_of

PATIENT = config(validation=0.3, patience=2, epochs=60, optimizer="adam", lr=0.02)


class Record(gpufa.Callback):
    """Every epoch's weights and feedback."""

    def __init__(self):
        self.after = []

    def on_epoch(self, trainer):
        self.after.append({name: np.array(a) for name, a in networks.network_arrays(trainer.net).items()})


def best(run):
    """The epoch of each seed's lowest validation error, the first of equal ones."""
    return np.nanargmin(run.history.epochs["validation_error"], axis=0) + 1


@pytest.mark.parametrize("rule", ["dfa", "kp"])  # the feedback of kp is trained
def test_patience_keeps_each_seeds_best_epoch_in_memory_and_in_the_folder(tmp_path, rule):
    record, settings = Record(), dataclasses.replace(PATIENT, rule=rule, out=str(tmp_path))
    run = gpufa.train(settings, DATA, callbacks=[record])
    assert run.config.keep == "best"
    assert run.summary["weights_of_epoch"] == best(run).tolist()
    assert len(set(best(run))) > 1
    assert (best(run) < run.summary["epochs_per_seed"]).all()
    for net in (run.network, gpufa.load(tmp_path)):
        for name, kept in networks.network_arrays(net).items():
            for r, epoch in enumerate(best(run)):
                np.testing.assert_array_equal(kept[r], record.after[epoch - 1][name][r], err_msg=name)
    arrays, _ = hdf5.read(tmp_path / "checkpoint.h5")
    for name, last in record.after[-1].items():
        np.testing.assert_array_equal(arrays[f"training/{name}"], last)
    figures = run.history.epochs["test_error"][best(run) - 1, range(3)]
    assert run.summary["test_error"] == figures.tolist()


def test_the_last_are_kept_where_nothing_stops_early_or_where_that_is_said():
    for settings in (dataclasses.replace(PATIENT, patience=0, epochs=5), dataclasses.replace(PATIENT, keep="last")):
        record = Record()
        run = gpufa.train(settings, DATA, callbacks=[record])
        assert "weights_of_epoch" not in run.summary
        for r, epoch in enumerate(run.summary["epochs_per_seed"]):
            np.testing.assert_array_equal(parameters(run)["W1"][r], record.after[epoch - 1]["parameters/W1"][r])


def test_keeping_the_best_changes_nothing_of_training():
    runs = [gpufa.train(dataclasses.replace(PATIENT, keep=keep), DATA) for keep in ("best", "last")]
    for name in set(runs[0].history.epochs.names) - {"seconds"}:
        np.testing.assert_array_equal(*(run.history.epochs[name] for run in runs))
    assert runs[0].summary["epochs_per_seed"] == runs[1].summary["epochs_per_seed"]


def test_the_best_may_be_kept_without_stopping_early():
    run = gpufa.train(dataclasses.replace(PATIENT, patience=0, keep="best", epochs=8), DATA)
    assert run.summary["weights_of_epoch"] == best(run).tolist()
    assert run.summary["status"] == ["finished"] * 3
    with pytest.raises(gpufa.InvalidValue, match=r"keep = 'best' needs validation samples; add --validation 0\.1"):
        gpufa.train(config(keep="best"), DATA)
    with pytest.raises(gpufa.InvalidValue, match="keep = 'first' can't be used; expected one of best, last"):
        config(keep="first")


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_a_resumed_run_keeps_the_same_bit_for_bit(tmp_path, cut):
    whole = gpufa.train(dataclasses.replace(PATIENT, out=str(tmp_path / "whole")), DATA)
    gpufa.train(dataclasses.replace(PATIENT, epochs=cut, out=str(tmp_path / "cut")), DATA)
    resumed = gpufa.resume(tmp_path / "cut", epochs=60, data=DATA)
    same(parameters(resumed), parameters(whole))
    (ours, about), (theirs, other) = (hdf5.read(tmp_path / name / "checkpoint.h5") for name in ("cut", "whole"))
    for table in (ours, theirs, about["config"], other["config"]):
        table.pop("history/epochs/seconds", None), table.pop("out", None)
    assert about == other
    same(ours, theirs)
    assert resumed.summary["weights_of_epoch"] == whole.summary["weights_of_epoch"]
    again = gpufa.resume(tmp_path / "cut", data=DATA)
    assert again.already_finished
    same(parameters(again), parameters(whole))


def test_a_run_cut_in_its_first_epoch_has_what_it_has_learnt(tmp_path):
    class Stop(gpufa.Callback):
        def on_step(self, trainer):
            trainer.stop_requested = True
            self.now = trainer.net.parameters["W2"].copy()

    stop = Stop()
    run = gpufa.train(dataclasses.replace(PATIENT, out=str(tmp_path)), DATA, callbacks=[stop])
    assert run.summary["weights_of_epoch"] == [0] * 3
    assert run.summary["status"] == ["running"] * 3
    np.testing.assert_array_equal(run.network.parameters["W2"], stop.now)
    np.testing.assert_array_equal(gpufa.load(tmp_path).parameters["W2"], stop.now)


def test_a_seed_that_diverges_keeps_its_best(tmp_path):
    record = Record()
    run = gpufa.train(
        dataclasses.replace(PATIENT, patience=50, epochs=6, out=str(tmp_path)), DATA, callbacks=[record, Poison(1, 4)]
    )
    assert run.summary["status"] == ["finished", "diverged", "finished"]
    epoch = run.summary["weights_of_epoch"][1]
    assert 0 < epoch <= 4
    np.testing.assert_array_equal(parameters(run)["W1"][1], record.after[epoch - 1]["parameters/W1"][1])


def test_a_checkpoint_says_what_the_summary_does(tmp_path):
    run = gpufa.train(dataclasses.replace(PATIENT, out=str(tmp_path)), DATA)
    known = summary_of(*networks.contents(tmp_path))
    for name, value in known.items():
        assert value == run.summary[name] or value == pytest.approx(run.summary[name], rel=1e-6), name
    sheet = tables.results(run.summary)
    column = sheet.head.index("weights of epoch")
    assert [int(row[column]) for row in sheet.rows] == best(run).tolist()
    assert {len(row) for row in (sheet.head, *sheet.rows, sheet.foot)} == {len(sheet.head)}


def test_a_run_from_before_goes_on_with_its_last_weights(tmp_path):
    whole = gpufa.train(dataclasses.replace(PATIENT, keep="last"), DATA)
    gpufa.train(dataclasses.replace(PATIENT, keep="last", epochs=2, out=str(tmp_path)), DATA)
    arrays, metadata = hdf5.read(tmp_path / "checkpoint.h5")
    del metadata["config"]["keep"]  # as it was written then
    hdf5.write(tmp_path / "checkpoint.h5", arrays, metadata)
    resumed = gpufa.resume(tmp_path, epochs=60, data=DATA)
    assert resumed.config.keep == "last"
    same(parameters(resumed), parameters(whole))


@pytest.mark.parametrize("wrong", [None, np.zeros(2, int), np.zeros(3), np.array([1, 99, 1]), np.array([-1, 1, 1])])
def test_a_checkpoint_that_does_not_say_which_epochs_is_refused(tmp_path, wrong):
    gpufa.train(dataclasses.replace(PATIENT, epochs=2, out=str(tmp_path)), DATA)
    arrays, metadata = hdf5.read(tmp_path / "checkpoint.h5")
    del arrays["kept/epoch"]
    hdf5.write(tmp_path / "checkpoint.h5", arrays | ({} if wrong is None else {"kept/epoch": wrong}), metadata)
    with pytest.raises(gpufa.FileProblem, match="it does not say of which epochs its weights are"):
        gpufa.load(tmp_path)


def test_another_run_starts_from_what_was_kept(tmp_path):
    first = gpufa.train(dataclasses.replace(PATIENT, out=str(tmp_path)), DATA)
    second = gpufa.train(config(epochs=0, start=str(tmp_path), optimizer="adam"), DATA)
    same(parameters(first), parameters(second))
