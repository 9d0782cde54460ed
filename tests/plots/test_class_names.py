"""Pictures of data whose classes have names."""

import numpy as np

import gpufa
from gpufa import plots

rng = np.random.default_rng(0)


def test_the_confusion_matrix_has_the_names_of_the_classes(tmp_path):
    lines = [f"{v:.3f},{-v:.3f},{'setosa' if v > 0 else 'virginica'}" for v in rng.normal(size=60)]
    (tmp_path / "plants.csv").write_text("\n".join(["a,b,species", *lines]))
    gpufa.train(gpufa.Config(data=str(tmp_path / "plants.csv"), hidden=(4,), epochs=1, out=str(tmp_path / "run")))
    axes, _ = plots.draw("confusion", plots.subject.read(tmp_path / "run")).axes
    for axis in (axes.xaxis, axes.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == ["setosa", "virginica"]
