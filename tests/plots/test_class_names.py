"""Pictures of data whose classes have names."""

import numpy as np

import gpufa
from gpufa import plots
from gpufa.data.samples.about import About
from gpufa.measure.history import History
from gpufa.report import page as pages

rng = np.random.default_rng(0)


def test_the_confusion_matrix_has_the_names_of_the_classes(tmp_path):
    lines = [f"{v:.3f},{-v:.3f},{'setosa' if v > 0 else 'virginica'}" for v in rng.normal(size=60)]
    (tmp_path / "plants.csv").write_text("\n".join(["a,b,species", *lines]))
    gpufa.train(gpufa.Config(data=str(tmp_path / "plants.csv"), hidden=(4,), epochs=1, out=str(tmp_path / "run")))
    subject = plots.read(tmp_path / "run")
    axes, _ = plots.draw("confusion", subject).axes
    for axis in (axes.xaxis, axes.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == ["setosa", "virginica"]
    amounts = np.bincount(subject.y)
    shown = plots.draw("recall", subject).axes[0].get_yticklabels()
    assert [label.get_text() for label in shown] == [f"setosa  ({amounts[0]})", f"virginica  ({amounts[1]})"]
    (legend,) = plots.draw("hidden", subject).legends
    assert [text.get_text() for text in legend.get_texts()] == ["setosa", "virginica"]
    pages.Report(tmp_path / "run").save(tmp_path / "report.html")
    assert "Target: column &#34;species&#34; (2 classes: setosa, virginica)" in (tmp_path / "report.html").read_text()


def test_names_of_classes_are_no_formulas_and_not_endless(tmp_path):
    names = {"classes": ("$x$", "y" * 50)}
    net = gpufa.Network([6, 2], rule="bp", backend="numpy")
    net.about = About("classification", **names)
    assert plots.Subject("", History((0,)), "bp", net).classes == (r"\$x\$", "…" + "y" * 27)
