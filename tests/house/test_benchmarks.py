"""The benchmarks run and their contenders agree: for correctness, never for time."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def benchmarks_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("work", ["784-800-800-10, batch 256", "10 replicas", "LeNet, ", "transformer"])
def test_contenders_do_the_same_work(work):
    done = run("cpu", "--quick", "--only", work)
    assert done.returncode == 0, done.stdout + done.stderr
    ours = [line for line in done.stdout.splitlines() if line.startswith("  gpufa dfa ")]
    assert ours
    assert all("same weights after 20 steps" in line for line in ours)
    assert "OTHER" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "unit"), [("scaling", " ms"), ("memory", " MiB ")])
def test_growth(kind, unit):
    done = run(kind, "--quick")
    assert done.returncode == 0, done.stderr
    assert len([line for line in done.stdout.splitlines() if unit in line]) == 20


@pytest.mark.parametrize(("name", "threads"), [("an abacus", 2), (None, 1)])
def test_works_of_another_machine_or_number_of_threads_are_not_put_beside(tmp_path, name, threads):
    from benchmarks.records import in_words, written
    from gpufa.backends import get_backend

    here = get_backend("numpy").describe()["processor"]
    file = tmp_path / "other.json"
    written({"facts": {"processor": name or here}, "threads": threads, "works": []}, file)
    before = file.read_bytes()
    done = run("cpu", "--quick", "--only", "one net", "--out", str(file))
    assert done.returncode == 1
    there = f"{name or here}, {in_words(threads)}"
    assert done.stderr.startswith(f"benchmarks: {str(file)!r} has works of {there}, these are of {here}, 2 threads")
    assert file.read_bytes() == before


def test_works_that_are_not_run_again_keep_their_date(tmp_path, monkeypatch):
    from benchmarks import peers, records
    from benchmarks.works import CPU

    monkeypatch.setattr(peers, "run", lambda work, *_: {"work": work.name, "rows": []})
    file, works = tmp_path / "steps.json", CPU[:3]
    settings = {"quick": False, "threads": 2, "rounds": 1, "out": file}
    peers.measure(works, "cpu", {"processor": "one"}, "one", only="", **settings)
    for name, day in ((works[0].name, "2026-01-01"), (works[1].name, "2026-01-02")):
        record = json.loads(file.read_text())
        records.written(record | {"date": day}, file)
        peers.measure(works, "cpu", {"processor": "one"}, "one", only=name, **settings)
    dates = [work.get("date") for work in json.loads(file.read_text())["works"]]
    assert dates == ["2026-01-02", None, "2026-01-01"]


def test_without_a_gpu_the_gpu_works_say_why():
    done = run("gpu")
    assert done.returncode == 1
    assert done.stderr.startswith("benchmarks: no GPU: ")


@pytest.mark.gpu
def test_the_threshold_of_fused_feedback(monkeypatch, launched):
    from benchmarks import threshold
    from gpufa.backends import get_backend
    from gpufa.backends.gpu import feedback

    for name, small in {"OUTPUTS": (2, 70), "BATCHES": (8,), "ROWS": 20}.items():
        monkeypatch.setattr(threshold, name, small)
    backend, before = get_backend("cupy"), feedback.SMALL
    launched.clear()
    rows = threshold.run(backend, 1, lambda line: None)
    assert len(rows) == len(threshold.OUTPUTS) * len(threshold.BATCHES)
    assert launched.count("feedback_delta") == launched.count("gate") > 0
    assert before == feedback.SMALL


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes are not kept to cores here")
def test_a_contender_has_as_many_cores_as_threads():
    from benchmarks.runner import Worker

    for device, cores in (("cpu", 1), ("gpu", len(os.sched_getaffinity(0)))):
        worker = Worker("gpufa dfa", device, 1, None)
        assert len(os.sched_getaffinity(worker.process.pid)) == cores
        worker.close()


TIMES = ("gpufa", "dfa", 3.0), ("torch", "bptt", 5.0), ("jax", "bptt", 4.0)


def test_the_page_is_made_of_the_results(tmp_path, monkeypatch):
    from benchmarks import quoted, report

    rows = [
        {"contender": name, "ms": ms, "quartiles_ms": [ms, ms], "against_gpufa_dfa": ms / 2, "agrees": True}
        for name, ms in (("gpufa dfa", 2.0), ("torch bp", 3.0), ("bare products dfa", 1.5))
    ]
    rows.append({"contender": "jax bp", "absent": "jax is not installed"})
    works = [
        {"work": "one", "optimizer": "sgd", "replicas": 1, "rows": rows},
        {"work": "two, one net", "optimizer": "sgd", "replicas": 1, "rows": rows[:1]},
        {
            "work": "two, 10 replicas",
            "optimizer": "sgd",
            "replicas": 10,
            "rows": [rows[0] | {"ms": 4.0}],
            "date": "2025-12-31",
        },
    ]
    about = {"date": "2026-01-01", "threads": 2, "facts": {"processor": "a machine"}, "packages": {}, "system": "s"}
    points = [(axis, value) for axis in ("width", "depth", "batch", "replicas", "classes") for value in (1, 2, 4)]
    places = [{"axis": a, "value": v, "contender": c} for a, v in points for c in ("gpufa dfa", "gpufa bp")]
    growth = [place | {"ms": place["value"] ** 2} for place in places]
    dense = "784-800-800-10, batch 64"
    held = [place | {"grown_bytes": 30, "data_bytes": 5, "parameter_bytes": 5} for place in places]
    for name, content in {
        "cpu-x": {"kind": "cpu", "works": works},
        "scaling-x": {"kind": "scaling", "rows": growth},
        "memory-x": {"kind": "memory", "rows": held},
        "cpu-y": {"kind": "cpu", "works": works[:1], "facts": {"processor": "another"}},
        "cpu-z": {"kind": "cpu", "works": works, "facts": {"processor": "another"}, "threads": 1},
        "through_time-x": {
            "kind": "through_time",
            "rows": [{"contender": f"{who} gru {rule}", "ms": ms} for who, rule, ms in TIMES],
            "memory": [{"rule": r, "steps": n, "bytes": n << 20} for r in ("bp", "eprop") for n in (1, 2)],
        },
        "graphs-x": {"kind": "graphs", "data": "a graph", "dropout": 0.5, "rows": rows},
        "gpu-x": {"kind": "gpu", "works": works, "facts": {"device": "Stand-in GPU 0 (GPU 0)"}},
        "gpu-y": {"kind": "gpu", "works": works, "facts": {"device": "a GPU"}, "quick": True},
        "gpu-z": {"kind": "gpu", "works": [works[0] | {"work": dense}], "facts": {"device": "b GPU"}, "threads": 4},
    }.items():
        text = json.dumps(about | {"command": f"python -m benchmarks {name[:-2]}"} | content)
        (tmp_path / f"{name}.json").write_text(text)
    monkeypatch.setattr(report, "DOCS", tmp_path)
    monkeypatch.setattr(report, "README", tmp_path / "README.md")
    report.README.write_text(f"before\n{quoted.BEGIN}old{quoted.END}\nbehind\n")
    page = report.write(tmp_path).read_text()
    readme = report.README.read_text()
    assert "old" not in readme
    assert readme.startswith("before\n")
    assert readme.endswith("\nbehind\n")
    assert "| one | 2.00 | 0.75 |  | 1.50 |  |  |  |  |" in readme
    assert "Worst: torch bp takes 1.50 of gpufa's time (one)." in readme
    assert "| torch bp | 3.000 | 3.000 to 3.000 | 1.50 |" in page
    assert "Absent: jax bp (jax is not installed)." in page
    assert page.count("\n\n2 threads: measured on 2025-12-31.\n") == 1
    assert "two, 10 replicas: 5.00 times the samples per second of 10 runs in turn." in page
    assert f"| {dense} | gpufa dfa | torch bp | 0.12 | 0.67, out of reach (0.50) |" in page
    assert "| width | 2.00 | 2.00 |" in page
    assert "| batch | 4 | 0 | 3.00 |" in page
    assert "| gpufa gru dfa | 3.0 | 0.75 |" in page
    assert "| torch bp | 3.00 | 3.00 to 3.00 | 1.50 |" in page
    other = page.partition("## another, 2 threads, 1 thread")[2].partition("\n## ")[0]
    assert re.findall("### (.*)", other) == [work["work"] for work in works]
    assert "another" not in readme
    drawn = "cpu-a-machine", "cpu-another", "gpu-b-gpu", "scaling-x", "through_time-x"
    assert {p.name for p in tmp_path.glob("*.png")} == {f"performance-{name}.png" for name in drawn}


def test_the_committed_page_is_the_results(tmp_path, monkeypatch):
    from benchmarks import report

    monkeypatch.setattr(report, "DOCS", tmp_path)
    monkeypatch.setattr(report, "README", tmp_path / "README.md")
    report.README.write_text((ROOT / "README.md").read_text())
    made = report.write(ROOT / "benchmarks/results")
    assert report.README.read_text() == (ROOT / "README.md").read_text()
    assert made.read_text() == (ROOT / "docs/performance.md").read_text()


def test_the_page_of_reproductions_is_made_of_the_records(tmp_path, monkeypatch):
    from benchmarks import reproductions

    monkeypatch.setattr(reproductions, "DOCS", tmp_path)
    made = reproductions.write(ROOT / "benchmarks/results/reproductions").read_text()
    assert made == (ROOT / "docs/reproductions.md").read_text()
    pictures = {path.name for path in (ROOT / "docs/reproductions").iterdir()}
    assert pictures == set(re.findall(r"\]\(reproductions/([^)]+)\)", made))


def test_records_are_taken_over_with_their_figures(tmp_path, monkeypatch, capsys):
    from benchmarks import reproductions

    name, results = "breloff2016-threshold", tmp_path / "results"
    folder = tmp_path / "runs" / name
    folder.mkdir(parents=True)
    record = json.loads((ROOT / f"benchmarks/results/reproductions/{name}.json").read_text())
    (folder / "results.json").write_text(json.dumps(record))
    for figure in record["figures"]:
        (folder / f"{figure['name']}.png").write_bytes(b"a picture")
    monkeypatch.setattr(reproductions, "PICTURES", tmp_path / "pictures")
    reproductions.collect(tmp_path / "runs", results)
    assert json.loads((results / f"{name}.json").read_text()) == record
    pictures = list((tmp_path / "pictures").glob(f"{name}-*.png"))
    assert {path.read_bytes() for path in pictures} == {b"a picture"}
    part = next(cell for cell in record["cells"] if cell["seeds"])
    unrun = record | {"cells": [cell | {"seeds": []} if cell is part else cell for cell in record["cells"]]}
    (folder / "results.json").write_text(json.dumps(unrun))
    for figure in record["figures"]:
        (folder / f"{figure['name']}.png").write_bytes(b"a picture that lacks a curve")
    reproductions.collect(tmp_path / "runs", results)
    assert {path.read_bytes() for path in pictures} == {b"a picture"}
    assert f"kept {pictures[0].name}, which has curves of cells that were not run" in capsys.readouterr().out


def test_a_record_keeps_cells_that_were_run_elsewhere_and_are_still_the_experiment_s():
    from benchmarks.reproductions import joined

    def record(*cells, figures=(), gpufa="2"):
        made = [{"name": n, "seeds": seeds, "settings": {"lr": lr}} for n, seeds, lr in cells]
        return {"cells": made, "figures": [{"name": f} for f in figures], "gpufa": [gpufa]}

    earlier = record(("a", [0], 1), ("b", [0], 1), ("c", [0], 1), figures="x", gpufa="1")
    now = record(("a", [0, 1], 1), ("b", [], 1), ("c", [], 2), ("d", [], 1), figures="y")
    kept = joined(now, earlier)
    assert [cell["seeds"] for cell in kept["cells"]] == [[0, 1], [0], [], []]
    assert [figure["name"] for figure in kept["figures"]] == ["y", "x"]
    assert kept["gpufa"] == ["1", "2"]
    assert joined(record(("a", [1], 1)), earlier)["gpufa"] == ["2"]


def test_drift_is_measured_and_its_page_says_what_is_missing(tmp_path, monkeypatch):
    from benchmarks.reliability import command, drift, page

    monkeypatch.setattr(drift, "RULES", ["dfa", "elm"])
    monkeypatch.setattr(drift, "STEPS", (1, 20))
    monkeypatch.setattr(drift, "OWN", {"dfa": {"epochs": 1}, "elm": {"batch_size": 1438}})
    for only in ("", "elm"):
        command.drift(seeds=2, only=only, out=tmp_path / "drift.json")
    dfa, elm = json.loads((tmp_path / "drift.json").read_text())["rows"]
    assert list(dfa["drift"]) == ["1", "20"]
    assert list(elm["drift"]) == ["1"]
    assert all(0 < found < 1e-4 for found in dfa["drift"]["20"])
    monkeypatch.setattr(page, "PAGE", tmp_path / "reliability.md")
    text = page.write(tmp_path).read_text()
    assert text.count("**Not run yet.**") == len(page.TRIALS)
    assert "| rule | after 1 step | after 20 steps | float32: test error, % | float64: test error, % |" in text
    assert re.search(r"\| `dfa` \| \de-\d\d \(\de-\d\d\) \| \de-\d\d \(\de-\d\d\) \| [\d.]+ \| [\d.]+ \|\n", text)
    assert re.search(r"\| `elm` \| \de[+-]\d\d \(\de[+-]\d\d\) \| - \| ", text)
    (tmp_path / "drift.json").unlink()
    assert page.write(tmp_path).read_text().count("**Not run yet.**") == len(page.TRIALS) + 1
