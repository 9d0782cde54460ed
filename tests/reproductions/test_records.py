"""Records of reproductions: tables, bands of short runs, and what can't be read or written."""

import json

import numpy as np
import pytest
from reproductionlab import SMALL, reproduce, results

import gpufa
from gpufa.commands.main import main
from gpufa.data.text.texts import is_text, path_of_text
from gpufa.reproductions import experiment, figures, record, runner
from gpufa.reproductions.experiment import Cell
from gpufa.reproductions.outcome import Outcome


def test_the_table_has_published_and_ours_side_by_side(small, capsys):
    assert main(["reproduce", "small", "--out", str(small), "--cells", "one/bp"]) == 0
    said = capsys.readouterr().out
    (value,) = [cell for cell in results(small)["cells"] if cell["name"] == "one/bp"]
    assert "5.00 ± 0.10 %" in said
    ours = f"{np.mean(value['values']):.2f} ± {np.std(value['values'], ddof=1):.2f} % ({value['running_error']:.2f})"
    assert ours in said


def test_records_are_found_again_where_a_seed_diverged(small):
    cell = Cell(
        "one/wild",
        {
            "data": "digits",
            "hidden": [4],
            "activation": "relu",
            "rule": {"name": "bp"},
            "optimizer": "sgd",
            "lr": 1e36,
            "epochs": 3,
        },
        "test_error",
    )
    runner.train(cell, small, range(2), list)
    found = Outcome.of(cell, runner.runs_of(cell, small))
    assert found.finished
    assert set(found.status) == {"diverged"}
    line = record._cell(experiment.find("small"), found)
    assert line["values"] == [None, None]
    assert record.line(line, 2)[2] == "- %"


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in experiment.names() if experiment.find(n).bands])
def test_short_runs_land_in_their_bands(name, tmp_path, monkeypatch):
    """Each band is the mean of eight seeds, four deviations to each side."""
    missing = "the MNIST files are not on this machine; set GPUFA_DATA or run gpufa data fetch mnist"
    monkeypatch.setattr("gpufa.data.sets.namedsets._download", lambda *args: pytest.skip(missing))
    for data in {cell.config().data for cell in experiment.find(name).cells}:
        if is_text(data) and not path_of_text(data).is_file():
            pytest.skip(f"{data} is not on this machine; put it into $GPUFA_DATA/text")
    assert main(["reproduce", name, "--quick", "--quiet", "--out", str(tmp_path)]) == 0
    cells = json.loads((tmp_path / name / "quick" / "results.json").read_text())["cells"]
    assert {(cell["name"], cell["verdict"]) for cell in cells} == {
        (cell, "within") for cell in experiment.find(name).bands
    }


def test_a_short_run_outside_its_band_is_told_by_the_exit_code(small):
    file = small.parent / "experiments" / "small.toml"
    file.write_text(SMALL.replace("dfa = [0, 95]", "dfa = [0, 1]"))
    assert reproduce(small, "--quick") == 1


def test_a_figure_that_fails_leaves_the_record(small, monkeypatch):
    def fail(*args):
        raise gpufa.InvalidValue("no picture")

    monkeypatch.setattr(figures, "draw", fail)
    assert reproduce(small, "--cells", "one/bp") == 2
    assert results(small)["cells"][0]["seeds"] == [0, 1]
    monkeypatch.undo()


def test_a_record_that_can_not_be_written_and_a_summary_that_can_not_be_read(small, capsys):
    assert reproduce(small, "--cells", "one/bp") == 0
    assert results(small)["cells"][0]["machines"]
    (small / "small" / "one" / "bp" / "seeds-0-1" / "summary.json").write_text('{"seconds"')
    assert reproduce(small, "--cells", "one/bp") == 0
    assert results(small)["cells"][0]["machines"] == []
    (small / "small" / "results.json").unlink()
    (small / "small" / "results.json").mkdir()
    assert reproduce(small, "--cells", "one/bp") == 2
    assert "results.json' can't be written (Is a directory); give another --out" in capsys.readouterr().err
