"""What `gpufa list` and `gpufa report` take of ever more runs, in two versions of gpufa.

python benchmarks/many_runs.py COMMAND ...    a command of the gpufa that is imported: last of all its seconds and bytes
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
AMOUNTS = 1, 50, 100, 200, 500
COMMANDS = "list", "report"


def run(before: Path | None, most: int, say: Callable[[str], None]) -> None:
    """Say the processor's seconds and the peak of memory of each command on so many runs: a third of them by dfa, a
    third by shallow, a third by dfa and stopped, each with 50 epochs of the digits and three seeds."""
    import gpufa

    def halfway(trainer: Any) -> None:
        trainer.stop_requested = trainer.progress.epoch == trainer.epochs // 2

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, rule in (("dfa", "dfa"), ("frozen", "shallow"), ("stopped", "dfa")):
            config = gpufa.Config(rule=rule, backend="numpy", out=str(folder / "first" / kind))
            gpufa.train(config, callbacks=[halfway] if kind == "stopped" else [])
        kinds = sorted((folder / "first").iterdir())
        for amount in (n for n in AMOUNTS if n <= most):
            runs = [folder / f"runs-{amount}" / f"{i:03}" for i in range(amount)]
            for i, copy in enumerate(runs):
                shutil.copytree(kinds[i % len(kinds)], copy)
            given = {"list": [str(runs[0].parent)], "report": [*map(str, runs), "--out", str(folder / "r.html")]}
            for command in COMMANDS:
                for which, checkout in {"before": before, "this": ROOT}.items():
                    if checkout:
                        seconds, peak = taken([command, *given[command]], checkout)
                        say(f"{which:6} {command:6} {amount:4} runs: {seconds:7.2f} s {peak / 2**20:8.0f} MiB")
            shutil.rmtree(runs[0].parent)


def taken(arguments: list[str], checkout: Path) -> tuple[float, int]:
    """The processor's seconds and the peak of memory, in bytes, of a command of the gpufa in a checkout."""
    surroundings = {**os.environ, "PYTHONPATH": str(checkout.resolve()), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", __file__, *arguments]
    done = subprocess.run(command, env=surroundings, stdout=subprocess.PIPE, text=True, check=True)
    seconds, peak = done.stdout.splitlines()[-1].split()
    return float(seconds), int(peak)


if __name__ == "__main__":
    from gpufa.commands.main import main

    if code := main(sys.argv[1:]):
        raise SystemExit(code)
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(time.process_time(), 1024 * int(peak.split()[1]))
