"""Reports and lists of hundreds of runs: nothing is done for each pair of them, and no run's arrays are kept."""

import shutil

import pytest
from traininglab import DATA, config

import gpufa
from gpufa.measure.history import History
from gpufa.report import frozen, page
from gpufa.report.comparison import compared
from gpufa.runs import overview


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("one") / "run"
    gpufa.train(config(epochs=2, seeds=(0, 1), out=str(out)), DATA)
    return out


def summaries(errors):
    named = {f"r{i}": {"test_error": error} for i, error in enumerate(errors)}
    common = {"seeds": [0, 1], "status": ["finished", "finished"], "seconds": 1.0, "alignment_deg": []}
    return {name: common | one for name, one in named.items()}


def test_the_lowest_runs_in_their_order():
    found = compared(summaries([[3, 5], [1, 1], [None, None], [9, 9], [2, 4]]), "run")
    assert found.lowest(3) == ["r0", "r1", "r4"]
    assert found.lowest(5) == ["r0", "r1", "r2", "r3", "r4"]
    for row in found.rows:
        del row["test_error"]
    assert found.lowest(2) == ["r0", "r1"]


def test_of_many_runs_the_best_are_drawn(run, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "DRAWN", 3)
    runs, drawn = [tmp_path / f"run-{i}" for i in range(5)], []
    for copy in runs:
        shutil.copytree(run, copy)
    real = page.plots.comparison
    monkeypatch.setattr(page.plots, "comparison", lambda histories: drawn.extend(histories) or real(histories))
    html = page.Report(*runs, pictures=()).html
    assert "of the 3 runs of lowest score among 5, against epoch" in html
    assert drawn == ["run-0 (dfa)", "run-1 (dfa)", "run-2 (dfa)"]
    few = page.Report(*runs[:3], pictures=()).html
    assert "of the runs against epoch" in few


def test_histories_are_read_again_where_they_are_drawn_alone(run, tmp_path, monkeypatch):
    """So that the report of any number of runs holds those of a few."""
    monkeypatch.setattr(page, "DRAWN", 2)
    runs, read = [tmp_path / f"run-{i}" for i in range(4)], []
    for copy in runs:
        shutil.copytree(run, copy)
    real = page.Section.history
    monkeypatch.setattr(page.Section, "history", lambda section: read.append(section.name) or real(section))
    page.Report(*runs, pictures=())
    assert read == ["run-0", "run-1"]
    assert not any(isinstance(value, History) for value in vars(page._section(run, None, (), ())).values())


def test_twins_are_found_by_one_look_at_each_run(run, monkeypatch):
    looked = []
    real = frozen.stored
    monkeypatch.setattr(frozen, "stored", lambda metadata: looked.append(1) or real(metadata))
    metadata = page._section(run, None, (), ()).metadata
    still = metadata | {"network": metadata["network"] | {"rule": {"name": "shallow"}}}
    runs = {f"dfa-{i}": metadata for i in range(20)} | {f"still-{i}": still for i in range(20)}
    assert frozen.twins_of(runs) == {f"dfa-{i}": "still-0" for i in range(20)}
    assert len(looked) == 40
    others = metadata | {"config": metadata["config"] | {"dropout": 0.5}}
    assert frozen.twins_of({"a": others, "b": still}) == {}
    whole = metadata | {"config": metadata["config"] | {"dropout": 0}}  # as a program may give it
    assert frozen.twins_of({"a": whole, "b": still}) == {"a": "b"}


def test_a_list_reads_no_checkpoint_where_the_summary_is_newer(run, tmp_path, monkeypatch):
    def halfway(trainer):
        trainer.stop_requested = trainer.progress.epoch == 1

    gpufa.train(config(out=str(tmp_path / "runs/cut")), DATA, callbacks=[halfway])
    shutil.copytree(run, tmp_path / "runs/done")
    monkeypatch.setattr(overview.networks, "contents", None)
    cut, done = overview.entries(tmp_path / "runs")
    assert (cut.epochs, cut.status) == ("1 of 4", "interrupted")
    assert (done.epochs, done.status) == ("2", "finished")


def test_a_run_without_its_settings_is_told_from_its_checkpoint(tmp_path):
    def halfway(trainer):
        trainer.stop_requested = trainer.progress.epoch == 1

    gpufa.train(config(out=str(tmp_path / "runs/cut")), DATA, callbacks=[halfway])
    (tmp_path / "runs/cut/config.toml").write_text("no")
    (cut,) = overview.entries(tmp_path / "runs")
    assert (cut.epochs, cut.status) == ("1 of 4", "interrupted")
