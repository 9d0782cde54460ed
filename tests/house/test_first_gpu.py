"""The first run on a GPU: stages that fail, hang or end their process; and, on a GPU or its stand-in, all of it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_FILES, MOST_BYTES = 8, 16 << 20

FINDS = "import json, sys; open(sys.argv[1], 'w').write(json.dumps({'it': 1}));"
HANGS = f"{FINDS} import subprocess; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)', sys.argv[1]])"


@pytest.fixture(autouse=True)
def benchmarks_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


def ended(folder, *stages, seconds=20.0, stopped=lambda: False):
    """How stages given by (name, Python text) end."""
    from benchmarks.first_gpu.runner import Stage, run

    made = [Stage(name, (sys.executable, "-c", text), 1) for name, text in stages]
    return list({outcome.name: outcome for outcome in run(made, seconds, folder, stopped)}.values())


def test_every_stage_has_its_turn_whatever_becomes_of_the_others(tmp_path):
    wrong, lost, skipped, short, right = ended(
        tmp_path,
        ("wrong", f"{FINDS} raise SystemExit('it came out wrong')"),
        ("lost", "import os; os.abort()"),
        ("skipped", "print('no data'); raise SystemExit(3)"),
        ("short", f"{FINDS} print('some are left'); raise SystemExit(4)"),
        ("right", FINDS),
    )
    assert (wrong.status, wrong.why, wrong.found) == ("failed", "it came out wrong", {"it": 1})
    assert (lost.status, lost.why) == ("failed", "ended by SIGABRT")
    assert (skipped.status, skipped.why, skipped.printed) == ("skipped", "no data", "")
    assert (short.status, short.why, short.found) == ("cut", "some are left", {"it": 1})
    assert (right.status, right.why, right.found) == ("done", "", {"it": 1})
    assert [o.right for o in (wrong, lost, skipped, short, right)] == [False, False, True, False, True]


def test_a_stage_that_hangs_is_cut_with_all_that_it_started_and_keeps_what_it_found(tmp_path):
    began = time.monotonic()
    hanging, right = ended(tmp_path, ("hanging", HANGS), ("right", FINDS), seconds=4.0)
    assert time.monotonic() - began < 10
    assert (hanging.status, hanging.limit_s, hanging.found) == ("cut", 2.0, {"it": 1})
    assert right.status == "done"
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in read(p)]


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_time_that_is_left_is_handed_on_and_no_stage_begins_without(tmp_path):
    first, second, third = ended(tmp_path, ("a", ""), ("b", ""), ("c", ""), seconds=30.0)
    assert first.limit_s == 10.0
    assert 12 < second.limit_s <= 15
    assert 18 < third.limit_s <= 30
    (late,) = ended(tmp_path, ("late", FINDS), seconds=0.5)
    assert (late.status, late.right, late.found) == ("not reached", True, {})


def test_on_request_the_stage_and_those_behind_it_end_with_what_was_found(tmp_path):
    (only,) = ended(tmp_path, ("a", HANGS), ("b", ""), stopped=(tmp_path / "a.json").exists)
    assert (only.status, only.found) == ("interrupted", {"it": 1})


def test_what_is_kept_is_bounded_and_has_no_paths_of_this_machine(tmp_path):
    from benchmarks.first_gpu import runner
    from benchmarks.first_gpu.stages import PLANS

    large, loud = ended(
        tmp_path,
        ("large", f"import sys; open(sys.argv[1], 'w').write('{{' + ' ' * {runner.MOST} + '}}')"),
        ("loud", f"print('x' * 10**6); raise SystemExit({str(ROOT / 'benchmarks')!r} + ' fails')"),
    )
    assert large.found == {"left out": f"{runner.MOST + 2} bytes"}
    assert loud.why == "benchmarks fails"
    assert len(loud.printed) == runner.LETTERS
    assert 1 + sum(bool(plan.kind) for plan in PLANS.values()) <= MOST_FILES
    assert len(PLANS) * (2 * runner.MOST + runner.LETTERS) < MOST_BYTES  # indented twice as deep as it was found


def outcomes(*found):
    from benchmarks.first_gpu.runner import Outcome

    return [Outcome(name, status, found=dict(what)) for name, status, what in found]


def test_the_record_is_on_disk_after_every_stage(tmp_path):
    from benchmarks.first_gpu import command

    stages = outcomes(
        ("facts", "done", {"device": "NVIDIA X (GPU 0)", "facts": {"device": "NVIDIA X (GPU 0)"}}),
        ("streams", "failed", {}),
        ("rows", "done", {"works": []}),
    )

    def running():
        for n, outcome in enumerate(stages):
            yield outcome
            record = json.loads((tmp_path / "first-gpu-nvidia-x-gpu-0.json").read_text())
            assert [stage["name"] for stage in record["stages"]] == [stage.name for stage in stages[: n + 1]]

    done = command.kept(running(), 9.0, False, tmp_path)
    assert command.summary(done) == "not right: streams (failed)"
    again = outcomes(("facts", "done", dict(stages[0].found)), ("rows", "failed", {}))
    command.kept(iter(again), 9.0, False, tmp_path)
    record = json.loads((tmp_path / "first-gpu-nvidia-x-gpu-0.json").read_text())
    told = {stage["name"]: (stage["status"], len(stage["date"])) for stage in record["stages"]}
    assert told == {"facts": ("done", 10), "streams": ("failed", 10), "rows": ("failed", 10)}
    command.kept(iter(outcomes(("facts", "done", dict(stages[0].found)))), 9.0, True, tmp_path)
    record = json.loads((tmp_path / "first-gpu-nvidia-x-gpu-0.json").read_text())
    assert [stage["name"] for stage in record["stages"]] == ["facts"]
    rows = json.loads((tmp_path / "gpu-nvidia-x-gpu-0.json").read_text())
    assert (rows["kind"], rows["works"], rows["command"]) == ("gpu", [], "python -m benchmarks first-gpu")
    assert {path.name.partition("-nvidia")[0] for path in tmp_path.iterdir()} == {"first-gpu", "gpu"}


def test_without_a_gpu_it_says_so(tmp_path):
    from benchmarks.first_gpu import command

    (facts,) = outcomes(("facts", "failed", {}))
    facts.why = "CuPy is not installed"
    with pytest.raises(SystemExit, match="benchmarks: no GPU: CuPy is not installed"):
        command.kept(iter([facts]), 9.0, False, tmp_path)
    assert not list(tmp_path.iterdir())


TESTS = """
import os, time
import pytest

pytestmark = pytest.mark.gpu

def test_right(): pass
def test_wrong(): assert 1 == 2
def test_skipped(): pytest.skip("as told")
def test_hangs(): time.sleep(60)
def test_ends_the_process(): os._exit(9)
def test_last(): pass
"""


def test_tests_that_hang_or_end_their_process_cost_those_behind_them_nothing(tmp_path, monkeypatch):
    from benchmarks.first_gpu import runner, suite
    from benchmarks.first_gpu.task import Task, Wrong

    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu: for a test\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(suite, "PATIENCE", 4.0)
    task = Task(tmp_path / "found", 60.0, quick=False)
    with pytest.raises(Wrong, match="not reached: 0"):
        suite.suite(task)
    assert task.found["counts"] == {"passed": 2, "skipped": 1, "failed": 1, "stopped": 2}
    told = {failure["test"].partition("::")[2]: failure["text"] for failure in task.found["failures"]}
    assert "assert 1 == 2" in told["test_wrong"]
    assert told["test_hangs"] == "nothing happened for 4 s"
    assert told["test_ends_the_process"].startswith("exit code 9")


def test_a_file_that_can_not_be_collected_is_told_and_the_others_are_run(tmp_path, monkeypatch):
    from benchmarks.first_gpu import runner, suite
    from benchmarks.first_gpu.task import Task, Wrong

    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_it.py").write_text("import pytest\n\n@pytest.mark.gpu\ndef test_right(): pass\n")
    (tmp_path / "tests/test_lost.py").write_text("import what_there_is_not\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu: for a test\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    task = Task(tmp_path / "found", 60.0, quick=False)
    with pytest.raises(Wrong, match=r"not reached: 0, can't be collected: tests/test_lost\.py"):
        suite.suite(task)
    assert task.found["counts"]["passed"] == 1
    (lost,) = task.found["not_collected"]
    assert "No module named 'what_there_is_not'" in lost["text"]


def test_parts_are_small_and_begin_with_files_of_few_tests():
    from benchmarks.first_gpu.suite import LARGEST, divided

    tests = [f"large.py::{i}" for i in range(LARGEST + 1)] + ["small.py::0", "small.py::1"]
    first, rest = divided(tests)
    assert first + rest == tests[-2:] + tests[:-2]
    assert len(first) == LARGEST


def test_stages_are_chosen_by_name_behind_the_facts():
    from benchmarks.first_gpu import command

    assert [stage.name for stage in command.stages(True, ("rows", "streams"))] == ["facts", "streams", "rows"]
    with pytest.raises(SystemExit, match="--only row: the stages are facts, streams, agreement, "):
        command.first_gpu(only="row,rows")


def test_works_are_there_together_as_far_as_the_gpu_has_room():
    from benchmarks.first_gpu import times

    works = times.chosen(False)
    groups = list(times.together(works))
    assert [work for group in groups for work in group] == works
    assert max(sum(len(work.contenders) for work in group) for group in groups) <= times.MOST
    assert len(groups) < len(works)


def test_no_rehearsal_is_taken_for_a_measurement():
    from benchmarks.records import counts

    about = {"facts": {"device": "NVIDIA X (GPU 0)"}}
    assert counts(about)
    assert not counts(about | {"quick": True})
    assert not counts({"facts": {"device": "Stand-in GPU 0 (GPU 0)"}})
    for path in (ROOT / "benchmarks/results").rglob("*.json"):
        assert counts(json.loads(path.read_text())), path


@pytest.mark.slow
@pytest.mark.gpu
def test_all_of_it_in_small(tmp_path):
    from benchmarks.first_gpu.stages import PLANS

    command = [sys.executable, "-m", "benchmarks", "first-gpu", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    (file,) = tmp_path.glob("first-gpu-*.json")
    record = json.loads(file.read_text())
    assert done.returncode == 0, json.dumps(record, indent=1)
    assert done.stdout.endswith("all that was run came out right\n")
    stages = {stage["name"]: stage for stage in record["stages"]}
    assert list(stages) == list(PLANS)
    assert record["quick"]
    for name, stage in stages.items():
        assert stage["status"] == "done" or (name in ("nccl", "nokland") and stage["status"] == "skipped")
        assert stage["seconds"] <= stage["limit_s"]
        assert stage["status"] == "skipped" or stage.get("found") or (tmp_path / stage["file"]).exists()
    assert stages["streams"]["found"]["stays_current_after"]["stream.use()"]
    (part,) = stages["tests"]["found"]["parts"]
    assert stages["tests"]["found"]["counts"]["passed"] == part["tests"] > 0
    files = list(tmp_path.iterdir())
    assert len(files) <= MOST_FILES
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


@pytest.mark.gpu
def test_stopped_by_a_signal_it_keeps_what_is_there(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "first-gpu", "--quick", "--out", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    while not process.stdout.readline().startswith("streams    done"):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert text.endswith("(interrupted)\n")
    (file,) = tmp_path.glob("first-gpu-*.json")
    assert [stage["status"] for stage in json.loads(file.read_text())["stages"]] == ["done", "done", "interrupted"]
