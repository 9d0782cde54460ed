"""The commands that time steps beside other programs."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from gpufa.backends import get_backend, why_no_gpu

from .records import described, in_words, machine, named, written
from .runner import run
from .works import CPU, GPU, Work


def cpu(
    quick: bool = False,
    threads: int = 2,
    rounds: int = 15,
    only: str = "",
    biotorch: Path | None = None,
    drtp: Path | None = None,
    out: Path | None = None,
) -> None:
    """The works for the CPU.

    Args:
        quick: small nets, once: whether all contenders run and agree, not how fast
        threads: of every contender
        rounds: turns of each contender
        only: works whose names hold this text, put in the place of theirs in the file
        biotorch: a checkout of BioTorch
        drtp: a checkout of Frenkel's DirectRandomTargetProjection
        out: the file for the figures (results/cpu-PROCESSOR-THREADS.json where not given)
    """
    importable(biotorch, "BioTorch")
    importable(drtp, "DirectRandomTargetProjection")
    facts = get_backend("numpy").describe()
    name = f"{facts['processor']}, {in_words(threads)}"
    measure(CPU, "cpu", facts, name, quick=quick, threads=threads, rounds=rounds, only=only, out=out)


def gpu(
    quick: bool = False, rounds: int = 15, only: str = "", biotorch: Path | None = None, out: Path | None = None
) -> None:
    """The works for a GPU.

    Args:
        quick: small nets, once: whether all contenders run and agree, not how fast
        rounds: turns of each contender
        only: works whose names hold this text, put in the place of theirs in the file
        biotorch: a checkout of BioTorch
        out: the file for the figures (results/gpu-NAME.json where not given)
    """
    importable(biotorch, "BioTorch")
    if reason := why_no_gpu():
        raise SystemExit(f"benchmarks: no GPU: {reason}")
    facts = get_backend("cupy").describe()
    measure(GPU, "gpu", facts, facts["device"], quick=quick, threads=4, rounds=rounds, only=only, out=out)


def importable(checkout: Path | None, program: str) -> None:
    """Let this process and its workers import from a checkout."""
    if checkout is not None:
        if not checkout.is_dir():
            raise SystemExit(f"benchmarks: {str(checkout)!r} is no folder; give a checkout of {program}")
        sys.path.append(str(checkout))
        os.environ["PYTHONPATH"] = os.pathsep.join([*os.environ.get("PYTHONPATH", "").split(os.pathsep), str(checkout)])


def measure(
    works: tuple[Work, ...],
    device: str,
    facts: dict[str, str],
    name: str,
    *,
    quick: bool,
    threads: int,
    rounds: int,
    only: str,
    out: Path | None,
) -> None:
    """Run the works and write the figures down, after each of them. Exits with 1 where contenders disagree, or where
    those that are not run again, which keep their date, are of another machine or number of threads."""
    out = out or named(device, name)
    record = described(device, facts, threads) | {"works": []}
    if only and out.exists():
        before = json.loads(out.read_text(encoding="utf-8"))
        there, here = (f"{machine(one)}, {in_words(one['threads'])}" for one in (before, record))
        if there != here:
            raise SystemExit(f"benchmarks: {str(out)!r} has works of {there}, these are of {here}; give another --out")
        record["works"] = [{"date": before["date"]} | work for work in before["works"]]
    names = [work.name for work in works]
    for work in works:
        if only not in work.name:
            continue
        print(work.name, flush=True)
        work = replace(work, contenders=tuple(dict.fromkeys(work.contenders)))
        done = run(work, device, threads, rounds, quick, lambda line: print(line, flush=True))
        others = [w for w in record["works"] if w["work"] != work.name]
        record["works"] = sorted([*others, done], key=lambda w: names.index(w["work"]))
        if not quick:
            written(record, out)
    if any(row.get("agrees") is False for done in record["works"] for row in done["rows"]):
        print("contenders disagree after 20 steps: they did not do the same work", file=sys.stderr)
        raise SystemExit(1)
