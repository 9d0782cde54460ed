"""The commands of the trials."""

import json
import time
from pathlib import Path

from threadpoolctl import threadpool_limits

from gpufa.backends import get_backend

from ..records import RESULTS, described, written
from . import drift as drifts
from . import page
from .trials import TRIALS

FOLDER = RESULTS / "reliability"


def trial(name: str, /, *, amount: int | None = None, seed: int = 0, keep: bool = False) -> None:
    """Do on purpose what must not harm; exits with 1 where anything was lost.

    Args:
        name: a trial's, see docs/reliability.md
        amount: how often; as often as for docs/reliability.md where not given
        seed: of the moments, places and inputs
        keep: keep the counts for docs/reliability.md
    """
    if name not in TRIALS:
        raise SystemExit(f"benchmarks: trial {name!r} is unknown; choose from {', '.join(TRIALS)}")
    amount = TRIALS[name].amount if amount is None else amount
    started = time.monotonic()
    counts = TRIALS[name].run(amount, seed, lambda line: print(line, flush=True))
    for count in counts:
        print(f"{count.what}: {count.tried} tried, {count.survived} survived, {count.lost} lost")
    if keep:
        record = described(f"trial {name} --amount {amount} --seed {seed}", get_backend("numpy").describe(), 1)
        record |= {"kind": name, "seconds": round(time.monotonic() - started)}
        written(record | {"counts": [count._asdict() for count in counts]}, FOLDER / f"{name}.json")
    if any(count.lost for count in counts):
        raise SystemExit(1)


def drift(seeds: int = 3, only: str = "", out: Path | None = None) -> None:
    """How far float32 runs of every rule drift from float64 runs of the same start.

    Args:
        seeds: networks of each rule
        only: rules whose names hold this text, put in the place of theirs in the file
        out: the file for the figures (results/reliability/drift.json where not given)
    """
    out, rows = out or FOLDER / "drift.json", {}
    if only and out.exists():
        rows = {row["rule"]: row for row in json.loads(out.read_text(encoding="utf-8"))["rows"]}
    with threadpool_limits(1, "blas"):
        record = described(f"drift --seeds {seeds}", get_backend("numpy").describe(), 1) | {"kind": "drift"}
        for row in drifts.run(seeds, only, lambda line: print(line, flush=True)):
            rows[row["rule"]] = row
            written(record | {"rows": [rows[rule] for rule in drifts.RULES if rule in rows]}, out)


def reliability() -> None:
    """Write docs/reliability.md anew from all counts and figures."""
    print(f"wrote {page.write(FOLDER)}")
