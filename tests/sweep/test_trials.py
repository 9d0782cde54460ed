"""One trial: a run like any other, judged by its validation part, which never sees the test samples."""

import json

import numpy as np
import pytest
from sweeplab import sweep, table, written

import gpufa
from gpufa.checkpoints import networks
from gpufa.commands.main import main
from gpufa.data.samples.data import Data
from gpufa.sweep import trial
from gpufa.training.settings.toml import read_toml

pytest.importorskip("optuna")


def found(out):
    return json.loads((out / "search.json").read_text())["trials"]


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A study of two rules that is over."""
    return sweep(tmp_path_factory.mktemp("searched"))


def test_each_trial_is_a_run_that_can_be_trained_again(searched, tmp_path):
    for row in found(searched):
        run = searched / row["run"]
        config = read_toml(run / "config.toml")
        assert config.rule == row["rule"]
        assert config.lr == row["settings"]["lr"]
        assert config.blind
        summary = json.loads((run / "summary.json").read_text())
        assert row["value"] == np.mean(summary["validation_error"])
    assert main(["train", str(run / "config.toml"), "--out", str(tmp_path / "again"), "--quiet"]) == 0
    ours, theirs = gpufa.load(run).parameters, gpufa.load(tmp_path / "again").parameters
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_no_figure_of_a_trial_is_of_the_test_samples(searched):
    for row in found(searched):
        run = searched / row["run"]
        assert not [name for name in json.loads((run / "summary.json").read_text()) if name.startswith("test")]
        assert "test" not in (run / "history.csv").read_text()
        arrays, _ = networks.contents(run)
        assert not [name for name in arrays if "test" in name]


@pytest.mark.slow
def test_test_samples_that_are_others_change_no_trial(tmp_path):
    """Not one bit of the search hangs on them."""
    whole = gpufa.load_data("digits")
    values = []
    for name, flip in (("as_it_is", False), ("flipped", True)):
        y_test = (whole.y_test + 1) % 10 if flip else whole.y_test
        x_test = whole.x_test[::-1] * 0.1 if flip else whole.x_test
        folder = tmp_path / name
        folder.mkdir()
        np.savez(folder / "d.npz", **Data(whole.x_train, whole.y_train, x_test, y_test)._asdict())
        out = sweep(
            folder, settings__data=str(folder / "d.npz"), sampler="tpe", pruner="median", trials=7, rules=["bp"]
        )
        values.append([(row["settings"], row["value"], row["state"]) for row in found(out)])
        error = json.loads((out / "compare.json").read_text())["rows"][0]["test_error_mean"]
        assert (error > 80) == flip
    assert values[0] == values[1]


def test_settings_that_can_not_be_trained_are_no_better_than_any(tmp_path, capsys):
    """conv needs images, and the digits are rows: a grid with one net that is refused."""
    out = sweep(
        tmp_path,
        **{"sampler": "grid", "trials": 2, "rules": ["bp"], "settings__hidden": None},
        space={"layers": [["input 1x3x3", "dense 4 tanh"], ["dense 4 tanh"]]},
    )
    refused, trained = found(out)
    assert (refused["state"], refused["value"]) == ("no result", None)
    assert "the data have 64 features" in refused["refused"]
    assert trained["state"] == "trained"
    assert "can't be trained: layers begin with" in capsys.readouterr().out
    assert "- settings that could not be trained: layers begin with" in (out / "search.md").read_text()


def test_a_setting_by_which_a_seed_diverges_is_infinitely_bad(tmp_path, capsys):
    out = sweep(
        tmp_path,
        **{"sampler": "grid", "trials": 2, "rules": ["bp"], "settings__optimizer": "sgd"},
        **{"settings__activation": "relu", "space__lr": [1e300, 0.01]},
    )
    lost, sound = found(out)
    assert (lost["state"], lost["value"]) == ("no result", None)
    assert sound["value"] > 0
    assert "a seed diverged" in capsys.readouterr().out
    assert json.loads((out / "compare.json").read_text())["rows"][0]["diverged"] == []


@pytest.mark.filterwarnings("error")
def test_where_no_trial_has_a_figure_nothing_is_trained_at_the_end(tmp_path, capsys):
    out = sweep(
        tmp_path,
        **{"trials": 1, "rules": ["bp"], "settings__optimizer": "sgd", "settings__activation": "relu"},
        **{"space__lr": [1e300]},
    )
    assert not (out / "best").exists()
    assert not (out / "compare.json").exists()
    assert "bp: no trial has come to a figure, so that nothing was trained" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_trials_are_pruned_by_their_validation_error(tmp_path, pruner):
    out = sweep(
        tmp_path,
        **{"pruner": pruner, "trials": 12, "rules": ["bp"], "settings__epochs": 9},
        space__lr={"low": 1e-6, "high": 0.03, "log": True},
    )
    states = [row["state"] for row in found(out)]
    assert {"trained", "pruned"} == set(states)
    for row in found(out):
        epochs = json.loads((out / row["run"] / "summary.json").read_text())["epochs"]
        assert (epochs < 9) == (row["state"] == "pruned")
    best = min((row for row in found(out) if row["state"] == "trained"), key=lambda row: row["value"])
    assert f"| {best['trial']} |" in (out / "search.md").read_text()


def test_what_is_reported_is_the_best_so_far_where_weights_of_the_best_epoch_are_kept():
    class Trainer:
        class progress:
            best, status = np.array([3.0, 5.0]), np.array([0, 0])

        class history:
            epochs = type("Epochs", (dict,), {"names": property(lambda self: tuple(self))})(
                validation_error=np.array([[3.0, 5.0], [4.0, np.nan]])
            )

        kept = True

    assert trial.so_far(Trainer) == 4
    Trainer.kept = None
    assert trial.so_far(Trainer) == 4.5
    Trainer.progress.status = np.array([0, 3])
    assert trial.so_far(Trainer) == np.inf


def test_the_value_of_a_trial_is_that_of_the_weights_that_it_is_left_with(tmp_path):
    out = sweep(tmp_path, settings__keep="best", settings__epochs=4, trials=2, rules=["dfa"])
    for row in found(out):
        history = gpufa.resume(out / row["run"]).history.epochs["validation_error"]
        assert row["value"] == history.min()


def test_real_targets_are_judged_by_their_rmse(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 3))
    np.savez(tmp_path / "real.npz", x=x, y=x @ rng.normal(size=(3, 1)))
    changes = {"settings__data": str(tmp_path / "real.npz"), "settings__samples": None, "trials": 2, "rules": ["bp"]}
    sweep(tmp_path, code=2, space__loss=["squared_error", "binary_cross_entropy"], **changes)
    assert "real targets are judged by another score under each; put one loss" in capsys.readouterr().err
    out = sweep(tmp_path, **changes)
    assert {row["score"] for row in found(out)} == {"validation_rmse"}
    assert "validation rmse" in (out / "search.md").read_text()


def test_a_rule_and_an_activation_of_ones_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nimport gpufa\nfrom gpufa.rules import RULES\nclass Mine(RULES['dfa']):\n    pass\n"
        "twice = gpufa.Activation('twice', 'h', lambda a, h: np.multiply(a, 2, out=h), lambda z, g, t: g.fill(2))\n"
    )
    changes = {"rules": ["mine.py:Mine"], "trials": 1, "settings__activation": "twice"}
    assert main(["sweep", str(written(tmp_path, **changes))]) == 2
    assert "--rules mine.py:Mine" in capsys.readouterr().err
    flags = "--rules", "mine.py:Mine", "--parts", "mine.py:twice"
    out = sweep(tmp_path, *flags, **changes)
    (row,) = found(out)
    assert row["rule"] == "mine"
    assert table(**changes)["rules"] == ["mine.py:Mine"]
