"""A study in its folder: the same number of trials for each rule, however many workers and however often they end."""

import json
import shutil
import subprocess
import sys

import pytest
from sweeplab import sweep, table, written

from gpufa import FileProblem, InvalidValue
from gpufa.commands.main import main
from gpufa.sweep import storage
from gpufa.sweep.studyfile import plan_of

optuna = pytest.importorskip("optuna")

from gpufa.sweep.study import Study  # noqa: E402

DATA = {"name": "digits", "x_train": [[1], 2]}


def study(tmp_path, **changes):
    return Study(plan_of(table(**changes)), tmp_path / "study", DATA)


def numbers(found):
    return {name: [t.number for t in one.get_trials()] for name, one in found.studies.items()}


def trials(out, where="sqlite:///{}/study.db"):
    """By rule the trials that Optuna itself finds in a study's folder."""
    stored = optuna.storages.RDBStorage(where.format(out))
    return {
        one.study_name.partition("/")[2]: optuna.load_study(study_name=one.study_name, storage=stored).trials
        for one in optuna.get_all_study_summaries(stored)
    }


def test_rules_take_turns_up_to_the_same_number(tmp_path):
    found, order = study(tmp_path, trials=2), []
    while True:
        with found.next() as taken:
            if taken is None:
                break
            order.append((taken.arm.name, taken.trial.number))
            found.tell(taken, 1.0)
    assert order == [("bp", 0), ("dfa", 0), ("bp", 1), ("dfa", 1)]
    assert all(map(found.over, found.plan.arms))


def test_what_several_hold_at_once_is_never_the_same(tmp_path):
    first, second = study(tmp_path, trials=2), study(tmp_path, trials=2)
    with first.next() as one, second.next() as two, first.next() as three, second.next() as four, first.next() as none:
        held = {(t.arm.name, t.trial.number) for t in (one, two, three, four)}
        assert len(held) == 4
        assert none is None
        assert not any(map(first.over, first.plan.arms))


@pytest.mark.filterwarnings("error")
def test_a_trial_that_is_left_behind_is_taken_again_as_it_was(tmp_path):
    first, second = study(tmp_path), study(tmp_path)
    with first.next() as taken:
        number, chosen = taken.trial.number, taken.chosen
        first.pruned(taken, 1, 9.0)
    with second.next() as again:
        assert (again.arm.name, again.trial.number, again.chosen) == ("bp", number, chosen)
        assert again.before == {1}
        second.pruned(again, 1, 9.0)  # told already
        second.pruned(again, 2, 8.0)
        second.tell(again, 7.0)
    assert numbers(second) == {"bp": [0], "dfa": []}
    (trial,) = second.trials(second.plan.arms[0])
    assert trial.intermediate_values == {1: 9.0, 2: 8.0}
    assert trial.value == 7.0


def test_the_settings_of_a_trial_hang_on_its_number_alone(tmp_path):
    """By the random sampler, whoever takes it, and for every rule."""
    found, chosen = study(tmp_path), {}
    for _ in range(6):
        with found.next() as taken:
            chosen[taken.arm.name, taken.trial.number] = taken.chosen
            found.tell(taken, 1.0)
    assert [chosen["bp", n] for n in range(3)] == [chosen["dfa", n] for n in range(3)]
    other = Study(plan_of(table()), tmp_path / "other", DATA)
    with other.next() as taken:
        assert taken.chosen == chosen["bp", 0]
    assert len({json.dumps(one) for one in chosen.values()}) == 3


def test_a_grid_is_gone_over_once(tmp_path):
    found, seen = (
        study(tmp_path, sampler="grid", rules=["bp"], trials=4, space={"lr": [0.1, 0.2], "batch_size": [8, 16]}),
        [],
    )
    for _ in range(4):
        with found.next() as taken:
            seen.append((taken.chosen["lr"], taken.chosen["batch_size"]))
            found.tell(taken, 1.0)
    assert seen == [(0.1, 8), (0.1, 16), (0.2, 8), (0.2, 16)]
    with found.next() as taken:
        assert taken is None


def test_a_trial_that_the_user_has_put_there_is_one_of_the_budget(tmp_path):
    found = study(tmp_path, rules=["bp"], trials=2)
    found.studies["bp"].enqueue_trial({"lr": 0.007})
    with found.next() as taken:
        assert taken.chosen == {"lr": 0.007}
        found.tell(taken, 1.0)
    with found.next() as taken:
        found.tell(taken, 1.0)
    with found.next() as taken:
        assert taken is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"trials": 9},
            "was begun with trials = 3, and it is 9 now; change it back, or begin another study with --out",
        ),
        ({"space__lr": {"low": 0.1, "high": 0.2}}, "with space.lr.low = 0.0001, and it is 0.1 now"),
        ({"settings__dropout": 0.5}, "with settings.dropout = not set, and it is 0.5 now"),
        ({"settings__hidden": None}, "with settings.hidden = [8], and it is not set now"),
        ({"rules": ["bp", "dfa", "fa"]}, "with rules = ['bp', 'dfa'], and it is ['bp', 'dfa', 'fa'] now"),
        ({"rules": {"bp": {}, "dfa": {}}}, "with rules.bp = not set, and it is {} now"),
    ],
)
def test_a_study_that_has_changed_since_is_refused(tmp_path, changes, sentence):
    study(tmp_path)
    with pytest.raises(InvalidValue) as caught:
        study(tmp_path, **changes)
    assert sentence in str(caught.value)


def test_other_data_are_refused_and_another_storage_is_no_change(tmp_path):
    study(tmp_path)
    with pytest.raises(InvalidValue, match=r"the data of the study in .* have changed since it was begun"):
        Study(plan_of(table()), tmp_path / "study", DATA | {"x_train": [[1], 3]})
    with pytest.raises(FileProblem, match=r"has no trials of the study in .*; give the --storage that it was begun"):
        study(tmp_path, storage="journal")


@pytest.mark.parametrize("text", ["no", "[1]"])
def test_a_damaged_record_is_refused(tmp_path, text):
    study(tmp_path)
    (tmp_path / "study/study.json").write_text(text)
    with pytest.raises(FileProblem, match=r"study.json' is not as gpufa wrote it"):
        study(tmp_path)


@pytest.mark.parametrize("lost", [["study.json"], ["study.json", "study.db"]])
def test_runs_of_a_study_whose_record_is_gone_are_no_other_studys(tmp_path, lost):
    with study(tmp_path).next():
        pass
    for name in lost:
        (tmp_path / "study" / name).unlink()
    with pytest.raises(FileProblem, match="has runs of a study that was begun with other settings maybe"):
        study(tmp_path, space__lr=[3.0])


def test_a_start_that_was_killed_is_gone_on_with_and_trials_of_another_study_are_not(tmp_path):
    found = study(tmp_path)
    (tmp_path / "study/study.json").unlink()
    found = study(tmp_path)
    with found.next() as taken:
        found.tell(taken, 1.0)
    (tmp_path / "study/study.json").unlink()
    shutil.rmtree(tmp_path / "study/trials")
    with pytest.raises(FileProblem, match="has trials of a study 'study/bp' that was begun elsewhere"):
        study(tmp_path)


def test_a_storage_that_can_not_be_reached(tmp_path):
    for where, sentence in {
        "postgresql+none://u:secret@nowhere/x": "the storage 'postgresql+none://u:***@nowhere/x' can't be reached",
        f"sqlite:///{tmp_path}/none/x.db": "unable to open database file",
        "redis": "unknown storage 'redis'; choose sqlite, journal, or a database",
    }.items():
        with pytest.raises((FileProblem, InvalidValue)) as caught:
            study(tmp_path, storage=where)
        assert sentence in str(caught.value)
        assert "secret" not in str(caught.value)


def test_a_folder_that_can_not_be_made(tmp_path):
    (tmp_path / "study").write_text("")
    with pytest.raises(FileProblem, match=r"study folder .* can't be made \(File exists\); give another --out"):
        study(tmp_path)


def test_another_worker_that_hangs_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "WAIT", 0.1)
    found = study(tmp_path)
    with storage.alone(found.folder), pytest.raises(FileProblem, match="another worker has kept"):
        study(tmp_path)


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def fails(self, **_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(storage.FileLock, "acquire", fails)
    with pytest.raises(FileProblem, match=r"can't be locked .*No locks available.* so that workers would"):
        study(tmp_path)
    with pytest.raises(FileProblem, match="can't be locked"):
        storage.held(tmp_path / "x")


@pytest.mark.slow
@pytest.mark.parametrize("where", ["sqlite", "journal"])
def test_workers_share_the_trials_and_none_is_lost_or_doubled(tmp_path, where):
    """Three processes at once, the last of which writes the table."""
    path, out = written(tmp_path, storage=where, trials=4), tmp_path / "study"
    command = [sys.executable, "-m", "gpufa", "sweep", str(path), "--out", str(out)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [worker.communicate(timeout=180) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], said
    lines = [line for text, _ in said for line in text.splitlines() if line.startswith("trials/")]
    taken = sorted(line.partition(":")[0] for line in lines)
    assert taken == sorted(f"trials/{rule}/{n}" for rule in ("bp", "dfa") for n in range(4))
    tried = json.loads((out / "search.json").read_text())["trials"]
    assert sorted(one["run"] for one in tried) == taken
    assert {one["state"] for one in tried} == {"trained"}


def test_optuna_missing_names_the_extra(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main(["sweep", str(written(tmp_path)), "--out", str(tmp_path / "study")]) == 2
    said = capsys.readouterr().err
    assert "gpufa sweep needs Optuna" in said
    assert "pip install 'gpufa[sweep]'" in said
    assert not (tmp_path / "study").exists()


def test_a_folder_that_holds_a_run_is_no_study(tmp_path, capsys):
    out = sweep(tmp_path, trials=1, rules=["bp"])
    assert main(["sweep", str(tmp_path / "small.toml"), "--out", str(out / "best/bp")]) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert trials(out)["bp"][0].state.name == "COMPLETE"


@pytest.mark.parametrize("name", ["compare.csv", "search.md", "slices.png"])
def test_a_file_that_no_study_has_written_stays(tmp_path, capsys, name):
    out = tmp_path / "study"
    out.mkdir()
    (out / name).write_text("mine")
    assert main(["sweep", str(written(tmp_path)), "--out", str(out)]) == 2
    assert f"holds {name}, which a study would write over; give another --out" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [(name, "mine")]
