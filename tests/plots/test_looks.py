"""Pictures of recall and of dead units; names, colours and marks, and what a dark page does to them."""

import re

import numpy as np
import pytest

import gpufa
from gpufa import plots
from gpufa.measure.history import History
from gpufa.plots.style import INK

rng = np.random.default_rng(0)


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "mine"
    gpufa.train(gpufa.Config(hidden=(7, 5), epochs=3, activation=("relu",), backend="numpy", out=str(out)))
    return plots.read(out)


def test_recall_is_of_each_class_and_seed_and_its_mean_the_line(subject):
    predicted = subject.network.predict(subject.x).argmax(axis=-1)
    recall = np.array([[100 * (p[subject.y == c] == c).mean() for c in range(10)] for p in predicted])
    (axes,) = plots.draw("recall", subject).axes
    mean, *seeds, line = axes.lines
    np.testing.assert_allclose(mean.get_xdata(), recall.mean(axis=0))
    np.testing.assert_allclose([one.get_xdata() for one in seeds], recall)
    assert line.get_xdata()[0] == pytest.approx(recall.mean())
    amounts = np.bincount(subject.y)
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"{c}  ({amounts[c]})" for c in range(10)]
    assert axes.get_xlim()[0] <= recall.min()


def test_of_many_classes_recall_shows_the_worst():
    net = gpufa.Network([6, 50], rule="bp", seed=0, backend="numpy")
    y = np.repeat(np.arange(45), 2)  # five classes have no sample
    x = rng.normal(size=(90, 6))
    (axes,) = plots.draw("recall", plots.Subject("", History((0,)), "bp", net, x, y)).axes
    right = (net.predict(x).argmax(axis=-1) == y).reshape(45, 2).mean(axis=1)
    np.testing.assert_allclose(axes.lines[0].get_xdata(), 100 * np.sort(right)[:40])
    assert axes.get_title() == "90 test samples, 40 of 45 classes"


def test_dead_units_are_the_histories_share_by_layer(subject):
    (axes,) = plots.draw("dead", subject).axes
    dead = subject.history.probes["dead"].mean(axis=1)
    np.testing.assert_allclose([line.get_ydata() for line in axes.lines], dead.T)
    with pytest.raises(gpufa.InvalidValue, match="no dead units were counted"):
        plots.draw("dead", plots.Subject("", History((0,))))


@pytest.mark.usefixtures("drawn")
def test_every_picture_names_its_run_and_rule(subject, tmp_path):
    for name in plots.PICTURES.keys() - {
        "maps",
        "places",
        "attention",
        "heads",
        "spikes",
        "traces",
        "lags",
    }:  # of other nets
        assert plots.draw(name, subject).get_suptitle() == "mine: rule dfa"
    plots.curves(plots.Subject("a$b$", subject.history, "fa"), tmp_path / "curves.svg")
    assert plots.Subject("a$b$", subject.history, "fa").title == r"a\$b\$: rule fa"
    assert plots.comparison({"one": subject.history}, "_all").get_suptitle() == "\u2009_all"


def test_lines_are_told_apart_without_colour(subject):
    lines = plots.comparison({f"run {i}": subject.history for i in range(12)}).axes[0].lines
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 12
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 12


def test_a_picture_in_svg_turns_dark_and_its_words_with_it(subject):
    text = plots.encode(plots.draw("confusion", subject), "svg").decode()
    (dark,) = re.findall(r"<style>@media screen and \(prefers-color-scheme: dark\) {(.*?)}</style>", text, re.DOTALL)
    assert f"fill: {INK}" in dark
    assert f"stroke: {INK}" in dark
    assert text.count(f"fill: {INK}") > 30  # the words'
    assert b"prefers-color" not in plots.encode(plots.draw("confusion", subject), "pdf")


def test_names_of_runs_are_no_formulas_in_a_comparison(subject):
    names = [r"$\frac$", "_hidden", "x" * 50 + "end", "plain"]
    figure = plots.comparison(dict.fromkeys(names, subject.history))
    assert plots.encode(figure, "svg")
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == [r"\$\frac\$", "\u2009_hidden", "…" + "x" * 24 + "end", "plain"]
