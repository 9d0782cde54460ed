"""How training ends: patience, stop rules, divergence, errors in a step."""

import dataclasses

import numpy as np
import pytest
from traininglab import DATA, Poison, config, parameters, same

import gpufa


def test_patience_stops_each_replica_by_itself():
    settings = config(validation=0.3, patience=2, epochs=60, optimizer="adam", lr=0.02)
    run = gpufa.train(settings, DATA)
    epochs, error = run.summary["epochs_per_seed"], run.history.epochs["validation_error"]
    assert set(run.summary["status"]) == {"patience"}
    assert len(set(epochs)) > 1
    for r, n in enumerate(epochs):
        best = np.argmin(error[:n, r])
        assert n == best + 1 + 2
        assert np.isnan(error[n:, r]).all()
        one = gpufa.train(dataclasses.replace(settings, seeds=(r,)), DATA)
        assert one.summary["epochs_per_seed"] == [n]
        same({k: p[r] for k, p in parameters(run).items()}, parameters(one), exact=False)


def test_noklands_stop_rule():
    run = gpufa.train(config(epochs=60, stop_train_error=20.0, optimizer="adam", lr=0.01, seeds=(0, 1)), DATA)
    assert run.summary["status"] == ["train_error"] * 2
    for r, n in enumerate(run.summary["epochs_per_seed"]):
        smoothed, curve = None, []
        for error in run.history.epochs["running_error"][:n, r]:
            smoothed = error if smoothed is None else 0.75 * smoothed + 0.25 * error
            curve.append(smoothed)
        assert curve[-1] <= 20.0 < min(curve[:-1])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_diverged_replica_stops_and_gets_its_last_good_state_back_while_others_go_on(tmp_path, optimizer):
    settings = config(optimizer=optimizer, lr=0.01)
    clean = gpufa.train(settings, DATA)
    poison = Poison(1, 2)
    run = gpufa.train(dataclasses.replace(settings, out=str(tmp_path / "run")), DATA, callbacks=[poison])
    assert run.diverged
    assert run.summary["status"] == ["finished", "diverged", "finished"]
    assert run.summary["epochs_per_seed"] == [4, 2, 4]
    for name, p in parameters(run).items():
        np.testing.assert_array_equal(p[[0, 2]], parameters(clean)[name][[0, 2]])
        np.testing.assert_array_equal(p[1], poison.good[f"parameters/{name}"])
    again = gpufa.load(tmp_path / "run")
    np.testing.assert_array_equal(again.parameters["W2"], run.network.parameters["W2"])
    assert np.isnan(run.history.epochs["test_error"][2:, 1]).all()


def test_divergence_without_a_folder_and_of_every_replica_ends_the_run():
    run = gpufa.train(config(optimizer="sgd", lr=1e300, activation="relu", epochs=50), DATA)
    assert run.summary["status"] == ["diverged"] * 3
    assert run.summary["test_loss"] == run.summary["test_error"] == [None] * 3
    assert run.summary["epochs"] < 3


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, RuntimeError])
def test_an_error_in_a_step_leaves_the_last_whole_checkpoint(tmp_path, trouble):
    class Trouble(gpufa.Callback):
        def on_step(self, trainer):
            if trainer.progress.step == 8:
                trainer.net.parameters["W1"][...] = 7  # a step that is half done
                raise trouble

    with pytest.raises(trouble):
        gpufa.train(config(out=str(tmp_path / "cut")), DATA, callbacks=[Trouble()])
    whole = gpufa.train(config(), DATA)
    same(parameters(gpufa.resume(tmp_path / "cut", data=DATA)), parameters(whole))
