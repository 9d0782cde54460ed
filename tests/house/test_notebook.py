"""The README's Python section in a notebook, with what it shows."""

import re
from pathlib import Path

import pytest

nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

README = (Path(__file__).parents[2] / "README.md").read_text()
RICH = "text/html", "image/png"


def executed(tmp_path, *cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    return [cell.outputs for cell in notebook.cells]


def test_the_readmes_python_section_runs_and_shows_itself(tmp_path):
    (block,) = re.findall(r"## From Python\n\n```python\n(.*?)```", README, re.DOTALL)
    live = "gpufa.train(gpufa.Config(hidden=(8,), epochs=3, backend='numpy'), progress=True)"
    picture = "from gpufa import plots\nplots.draw('curves', plots.read('runs/mine'))"
    outputs = executed(tmp_path, block, "run", "run.history", live, "gpufa.Report('runs/mine')", picture)
    assert not [o for cell in outputs for o in cell if o.output_type == "error"]
    for cell in outputs[1:3]:
        assert set(RICH) <= cell[-1].data.keys()
    assert any("<progress " in o.data.get("text/html", "") for o in outputs[3] if o.output_type == "display_data")
    assert set(RICH) <= outputs[3][-1].data.keys()
    assert outputs[4][-1].data["text/html"].startswith("<iframe ")
    assert "image/png" in outputs[5][-1].data
