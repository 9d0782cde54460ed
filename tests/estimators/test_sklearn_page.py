"""The code of docs/sklearn.md runs from top to bottom, and its table has every name of MLPClassifier's."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.neural_network import MLPClassifier

TEXT = (Path(__file__).parents[2] / "docs" / "sklearn.md").read_text()


def test_the_python_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(block, "docs/sklearn.md", "exec"), made)
    assert made["search"].best_score_ > 0.9
    np.testing.assert_allclose(made["mean"].sum(axis=1), 1)
    assert made["spread"].shape == made["mean"].shape
    assert made["model"].score(made["x"], made["y"]) > 0.4
    assert not list(tmp_path.iterdir())


def test_the_table_has_every_name():
    told = {name for row in re.findall(r"^\| .*", TEXT, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert set(inspect.signature(MLPClassifier).parameters) <= told
