"""The notebooks of examples/: kept without outputs, and every cell runs."""

from pathlib import Path

import pytest

nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples").glob("*.ipynb"))
LONG = "conv_nets", "fair_comparison"
each = pytest.mark.parametrize(
    "path", [pytest.param(one, marks=pytest.mark.slow if one.stem in LONG else (), id=one.name) for one in NOTEBOOKS]
)


def test_there_are_the_four():
    assert [path.stem for path in NOTEBOOKS] == ["conv_nets", "fair_comparison", "first_steps", "own_rule"]


@each
def test_it_is_kept_without_outputs(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or (cell.outputs, cell.execution_count) == ([], None)


@each
def test_it_runs_and_shows_something_at_each_step(path, tmp_path):
    notebook = nbformat.read(path, 4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [out for cell in cells for out in cell.outputs if out.get("name") == "stderr"]
    pictures = [out for cell in cells for out in cell.outputs if "image/png" in out.get("data", {})]
    shown = [out for cell in cells for out in cell.outputs if out.output_type != "stream"]
    assert pictures or any("text/html" in out.data for out in shown)
    assert not list(tmp_path.iterdir())
