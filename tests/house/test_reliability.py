"""docs/reliability.md: made of the records as they are, and every test that it names is there and would run."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def trials_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


def names(file):
    return {node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)}


def test_every_promise_is_held_by_a_test():
    from benchmarks.reliability.promises import PROMISES
    from benchmarks.reliability.trials import TRIALS

    for test in [*(trial.held for trial in TRIALS.values()), *(f"tests/{promise.test}" for promise in PROMISES)]:
        file, _, name = test.partition("::")
        found = names(ROOT / file)
        assert name in found if name else any(test.startswith("test_") for test in found), test


def test_the_page_is_made_of_the_records(tmp_path, monkeypatch):
    from benchmarks.reliability import page
    from benchmarks.reliability.command import FOLDER

    committed = page.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    assert page.write(FOLDER).read_text(encoding="utf-8") == committed
    assert "Not run yet" not in committed


def test_nothing_was_lost():
    import json

    from benchmarks.reliability.command import FOLDER
    from benchmarks.reliability.trials import TRIALS

    for name in TRIALS:
        record = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        assert record["counts"]
        assert all(count["tried"] == count["survived"] > 0 for count in record["counts"]), name


def test_trials_are_run_by_name_and_exit_with_1_where_something_was_lost(tmp_path, monkeypatch, capsys):
    import json

    from benchmarks.reliability import command
    from benchmarks.reliability.count import Count
    from benchmarks.reliability.trials import TRIALS, Trial

    with pytest.raises(SystemExit, match="trial 'x' is unknown; choose from kills, "):
        command.trial("x")
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    monkeypatch.setitem(TRIALS, "mine", Trial(lambda n, seed, say: [Count("x", n, n - seed)], 7, "", "", ""))
    command.trial("mine")
    assert "x: 7 tried, 7 survived, 0 lost" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
    with pytest.raises(SystemExit) as done:
        command.trial("mine", amount=3, seed=1, keep=True)
    assert done.value.code == 1
    record = json.loads((tmp_path / "mine.json").read_text())
    assert record["command"] == "python -m benchmarks trial mine --amount 3 --seed 1"
    assert record["counts"] == [{"what": "x", "tried": 3, "survived": 2}]
