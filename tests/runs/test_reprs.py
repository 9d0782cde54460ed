"""What a program or a notebook shows of a run: short names, tables, pictures, a progress bar."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from traininglab import DATA, config

import gpufa
from gpufa import plots
from gpufa.runs.progressbar import NotebookBar

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def run():
    return gpufa.train(config(layers=("dense 8 tanh", "residual(dense 8 tanh)"), hidden=None, activation=None), DATA)


def test_reprs_are_short_and_say_what_it_is(run):
    assert re.fullmatch(r"Run\(dfa on arrays, 4 epochs, test error \d+\.\d\d ± \d+\.\d\d %\)", repr(run))
    assert repr(run.network) == ("Network(6-8-8-3 tanh residual, rule dfa, seeds 0, 1, 2, float64, numpy)")
    blocks = gpufa.Network(["input 6", "dense 8 tanh, dense 4 relu", "dense 3"], rule="bp", backend="numpy")
    assert repr(blocks) == ("Network(input 6; dense 8 tanh, dense 4 relu; dense 3, rule bp, seed 0, float32, numpy)")
    assert (
        repr(gpufa.Network([6, 5, 3], seed=4, backend="numpy"))
        == "Network(6-5-3 tanh, rule dfa, seed 4, float32, numpy)"
    )
    assert repr(run.history) == "History(4 epochs, seeds 0, 1, 2)"
    assert repr(run.history.epochs).startswith("Table(4 rows: epoch, step, loss,")
    assert repr(DATA) == (
        "Data(x_train (90, 6) float64, y_train (90,) int64, x_test (30, 6) float64, y_test (30,) int64)"
    )
    assert repr(gpufa.load_data("digits")).endswith("; target: y)")


def test_a_run_without_a_score_or_with_lost_seeds_says_so():
    lost = gpufa.train(config(optimizer="sgd", lr=1e300, activation="relu", epochs=5), DATA)
    assert repr(lost).endswith("test error - %, some seeds diverged)")
    assert "diverged" in lost._repr_html_()


def test_a_notebook_shows_table_and_curves(run):
    html = run._repr_html_()
    for value in run.summary["test_error"]:
        assert f"<td>{value:.2f}</td>" in html
    ET.fromstring(f"<div>{html.removesuffix('>')}/></div>")
    assert html.count("<img ") == 1
    assert run._repr_png_().startswith(PNG)
    assert '<th scope="col">running_error</th>' in run.history._repr_html_()
    assert run.history._repr_png_().startswith(PNG)
    assert plots.draw("curves", plots.Subject("a", run.history))._repr_png_().startswith(PNG)


def test_of_many_epochs_a_notebook_shows_the_first_and_the_last():
    history = gpufa.train(config(epochs=9, seeds=(3,)), DATA).history
    shown = re.findall(r'<tr><th scope="row">(\d+)</th>', history._repr_html_())
    assert shown == ["1", "2", "3", "7", "8", "9"]
    assert "9 epochs, means over 1 seed<" in history._repr_html_()


def test_progress_without_a_terminal_is_lines(capsys, tmp_path):
    gpufa.train(config(out=str(tmp_path)), DATA, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("target: y (3 classes: 0, 1, 2); 6 features; 90 + 30 samples")
    assert [line.split(",")[0] for line in lines[2:]] == [f"epoch {n}/4" for n in (1, 2, 3, 4)]
    gpufa.resume(tmp_path, epochs=5, data=DATA, progress=True)
    assert "epoch 5/5" in capsys.readouterr().err
    gpufa.train(config(), DATA)
    assert capsys.readouterr().err == ""


def test_a_bar_in_a_notebook_is_drawn_in_place(monkeypatch):
    pytest.importorskip("IPython")
    from IPython import display

    shown = []

    class Handle:
        def update(self, html):
            shown.append(html.data)

    monkeypatch.setattr(display, "display", lambda html, display_id: (shown.append(html.data), Handle())[1])
    bar = NotebookBar()
    task = bar.add_task("training", total=200, completed=0, facts="")
    bar.update(task, 50, "loss 1 < 2")
    bar.update(task, 200, "")
    assert shown[0] == '<progress value="0" max="200"></progress> 0 %'
    assert re.fullmatch(r'<progress value="50" max="200"></progress> 25 %  loss 1 &lt; 2  \d+ s left', shown[1])
    assert shown[2].endswith("100 %")


def test_a_table_is_what_pandas_and_dict_take(run):
    epochs, columns = run.history.epochs, dict(run.history.epochs)
    assert list(columns) == list(epochs.names)
    np.testing.assert_array_equal(columns["test_error"], epochs["test_error"])
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(epochs)
    assert len(frame) == 4 * 3
    for r, seed in enumerate((0, 1, 2)):
        own = frame[frame["seed"] == seed]
        np.testing.assert_array_equal(own["epoch"], columns["epoch"])
        np.testing.assert_array_equal(own["test_error"], columns["test_error"][:, r])
        for c in range(3):
            np.testing.assert_array_equal(own[f"test_recall_{c}"], columns["test_recall"][:, r, c])
    probes = pandas.DataFrame(run.history.probes)
    assert {"step", "seed", "per_sample_1", "per_sample_2"} <= set(probes.columns)
