"""Scores of classes on their way: history, summary, terminal and report."""

import json

import numpy as np
import pytest

import gpufa
from gpufa import plots
from gpufa.checkpoints import networks
from gpufa.commands.main import main
from gpufa.report import page
from gpufa.runs import tables
from gpufa.runs.summary import summary_of

rng = np.random.default_rng(0)
NAMES = "ant", "bee <i>"
FAST = ["--hidden", "4", "--epochs", "3", "--seeds", "0", "1", "--backend", "numpy", "--validation", "0.2"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on two named classes of uneven share."""
    folder = tmp_path_factory.mktemp("classes")
    x, y = rng.normal(size=(90, 2)), np.arange(90) % 3 == 0
    lines = [f"{a:.4f},{b + 2 * c:.4f},{NAMES[int(c)]}" for (a, b), c in zip(x, y, strict=True)]
    (folder / "insects.csv").write_text("\n".join(["one,two,label", *lines]) + "\n")
    assert main(["train", "--data", str(folder / "insects.csv"), "--out", str(folder / "run"), "--quiet", *FAST]) == 0
    return folder / "run"


def test_the_summary_has_recalls_by_the_names_of_classes(run):
    summary = json.loads((run / "summary.json").read_text())
    for part in ("train", "validation", "test"):
        assert list(summary[f"{part}_recall"]) == list(NAMES)
        assert len(summary[f"{part}_auc"]) == 2
        both = np.mean(list(summary[f"{part}_recall"].values()), axis=0)
        np.testing.assert_allclose(summary[f"{part}_balanced_accuracy"], both, rtol=1e-14)


def test_the_history_has_the_last_of_them(run):
    summary, history = json.loads((run / "summary.json").read_text()), plots.read(run).history
    assert history.epochs["test_recall"].shape == (3, 2, 2)
    np.testing.assert_array_equal(history.epochs["test_recall"][-1].T, list(summary["test_recall"].values()))
    np.testing.assert_array_equal(history.epochs["validation_auc"][-1], summary["validation_auc"])
    head, *lines = (run / "history.csv").read_text().splitlines()
    names = "validation_recall_0,validation_recall_1,test_recall_0,test_recall_1"
    assert head.endswith(names)
    assert {len(line.split(",")) for line in lines} == {len(head.split(","))}
    last = dict(zip(head.split(","), lines[-1].split(","), strict=True))
    assert float(last["test_recall_1"]) == pytest.approx(summary["test_recall"]["bee <i>"][1], rel=1e-8)
    known = summary_of(*networks.contents(run))
    assert known["test_recall"] == summary["test_recall"]


def test_terminal_and_report_say_them(run, capsys, tmp_path):
    assert main(["evaluate", str(run)]) == 0
    told = capsys.readouterr().out
    assert "balanced accuracy" in told
    assert "auc" in told
    assert "ant" in told
    page.Report(run, pictures=()).save(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "recall by class" in text
    assert "bee &lt;i&gt;" in text
    assert main(["resume", str(run), "--epochs", "4"]) == 0
    assert "%; recall in percent, by class, mean over seeds: ant " in capsys.readouterr().out


def test_many_classes_are_no_flood(tmp_path):
    """The file of columns has none of them, the checkpoint and the summary all, a line the lowest."""
    y = np.arange(120) % 12
    data = gpufa.Data(np.eye(12)[y], y, np.eye(12), np.arange(12))
    config = gpufa.Config(hidden=(4,), epochs=2, seeds=(0,), backend="numpy", out=str(tmp_path / "run"))
    made = gpufa.train(config, data)
    assert "recall" not in (tmp_path / "run/history.csv").read_text()
    assert made.history.epochs["test_recall"].shape == (2, 1, 12)
    assert len(made.summary["test_recall"]) == 12
    summary = {"seeds": [0, 1], "status": ["finished"] * 2}
    summary |= {"test_recall": {str(c): [float(c), None] for c in range(12)} | {"none": [None] * 2}}
    line = tables.classes(summary | {"test_balanced_accuracy": [5.5, None]})
    told = "balanced accuracy 5.50 %; recall in percent, the lowest of 13 classes, mean over seeds: 0 0.0, 1 1.0, 2 2.0"
    assert line == told


def test_columns_of_zero_and_one_name_the_classes(tmp_path):
    y = np.arange(60) % 3
    rows = [f"{x:.3f}," + ",".join(map(str, row)) for x, row in zip(rng.normal(size=60), np.eye(3)[y], strict=True)]
    (tmp_path / "hot.csv").write_text("\n".join(["u,red,green,blue", *rows]) + "\n")
    config = gpufa.Config(
        data=str(tmp_path / "hot.csv"),
        target=("red", "green", "blue"),
        loss="cross_entropy",
        hidden=(4,),
        epochs=2,
        backend="numpy",
    )
    assert list(gpufa.train(config).summary["test_recall"]) == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("y", "loss", "score"),
    [
        (np.eye(3)[np.arange(60) % 3], "cross_entropy", "error"),
        (np.array([[0.5, 0.5], [0.2, 0.8]] * 30), "cross_entropy", "loss"),
        (rng.choice(2, (60, 1)).astype(float), "binary_cross_entropy", "error"),
        (rng.choice(2, (60, 3)).astype(float), "binary_cross_entropy", "error"),
        (rng.choice(2, (60, 3)).astype(float), "squared_error", "rmse"),
    ],
)
def test_patience_and_pictures_go_by_what_there_is(y, loss, score, tmp_path):
    """A seed stops when that has not become better, epoch by epoch, and the table says it."""
    x = rng.normal(size=(60, 3))
    arrays = x[:50], np.array(y[:50]), x[50:], np.array(y[50:])
    config = gpufa.Config(
        loss=loss,
        task="regression",
        hidden=(4,),
        epochs=40,
        lr=0.05,
        validation=0.2,
        patience=2,
        backend="numpy",
        out=str(tmp_path / "run"),
    )
    made = gpufa.train(config, arrays)
    course = made.history.epochs[f"validation_{score}"]
    for r in range(3):
        best, waited, epochs = np.inf, 0, 0
        for v in course[:, r]:
            epochs += 1
            waited = 0 if v < best else waited + 1
            best = min(best, v)
            if waited == 2:
                break
        assert epochs == made.summary["epochs_per_seed"][r]
    head = tables.results(made.summary).head
    assert tables.heading(f"test_{score}") in head


def test_a_running_error_of_one_output_stops_nothing():
    y = rng.normal(size=(20, 1))
    config = gpufa.Config(stop_train_error=1.0, backend="numpy", epochs=1)
    with pytest.raises(gpufa.InvalidValue, match="largest output, and the net has one; remove --stop-train-error"):
        gpufa.train(config, (rng.normal(size=(20, 2)), y, np.ones((2, 2)), np.ones((2, 1))))


def test_the_last_rows_name_stands_in_one_line_on_a_narrow_terminal(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    x, y = np.eye(12)[:, :4], np.arange(12) % 2
    np.savez(tmp_path / "two.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    args = ["--data", str(tmp_path / "two.npz"), "--hidden", "3", "--epochs", "1", "--out", str(tmp_path / "run")]
    assert main(["train", *args]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("mean ± deviation" in line for line in lines)
    assert max(map(len, [line for line in lines if line.startswith("│")])) <= 80
