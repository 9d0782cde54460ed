"""The commands of the trials."""

import time

from tyro.conf import Positional

from gpufa.backends import get_backend

from ..records import RESULTS, described, written
from . import page
from .trials import TRIALS

FOLDER = RESULTS / "reliability"


def trial(name: Positional[str], amount: int | None = None, seed: int = 0, keep: bool = False) -> None:
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


def reliability() -> None:
    """Write docs/reliability.md anew from all counts."""
    print(f"wrote {page.write(FOLDER)}")
