"""What a step and a run take of memory at their peak, beside theory and beside what gpufa.memory says beforehand: each
in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import gpufa
from gpufa.backends import get_backend
from gpufa.data.samples.data import Data
from gpufa.training.trainer import Trainer

from .start import sizes_of
from .worker import PROCESS, memory
from .works import LENET, RESNET20, Work

DOCS = Path(__file__).parent.parent / "docs" / "scale.md"
NETS = {
    "784-8000-8000-10": Work("784-8000-8000-10", (784, 8000, 8000, 10)),
    "LeNet": Work("LeNet", layers=LENET),
    "ResNet-20": Work("ResNet-20", layers=RESNET20),
}
RULES = "dfa", "bp"
STEPS, BATCHES, TESTED = 5, 16, 1000  # of a run: steps of one that is not ended, batches of an epoch, test samples
HEAD = "| net | rule | optimizer | parameters | theory | steps | of theory | foretold | a run | of foretold |"
MIB = 1 << 20


def run(threads: int, optimizers: Sequence[str], quick: bool, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """A row for each net, rule and optimizer."""
    rows = []
    environment = {f"{lib}_NUM_THREADS": str(threads) for lib in ("OPENBLAS", "OMP", "MKL")}
    for net in NETS:
        for rule in RULES:
            for optimizer in optimizers:
                row: dict[str, Any] = {"net": net, "rule": rule, "optimizer": optimizer}
                for what in ("foretold", "step", "run"):
                    done = subprocess.run(
                        [sys.executable, "-m", "benchmarks.footprint", json.dumps({**row, "quick": quick}), what],
                        env={**os.environ, **environment},
                        check=True,
                        capture_output=True,
                        text=True,
                    )
                    row |= json.loads(done.stdout)
                rows.append(row)
                say(line(row))
    return rows


def settings(net: str, rule: str, optimizer: str, quick: bool) -> tuple[gpufa.Config, Data]:
    """A run of one epoch, and its data."""
    work = replace(NETS[net].quick, batch=8) if quick else NETS[net]
    inputs, outputs = sizes_of(work)
    samples, draw = BATCHES * work.batch, np.random.default_rng(0)
    x, tested = (draw.random((n, inputs), np.float32) for n in (samples, min(TESTED, samples)))
    what = {"layers": work.layers[:-1]} if work.layers else {"hidden": work.sizes[1:-1]}
    config = gpufa.Config(
        rule=rule, **what, optimizer=optimizer, lr=1e-4, batch_size=work.batch, seeds=(0,), epochs=1, backend="numpy"
    )
    return config, Data(x, np.arange(samples) % outputs, tested, np.arange(len(tested)) % outputs)


def foretold(config: gpufa.Config, data: Data) -> dict[str, Any]:
    """By part; and theory: parameters, states, feedback, and twice what the layers put out, as activity and signal."""
    found, trainer = gpufa.memory(config, data).host, Trainer(config, data)
    sizes, parameters = trainer.net.sizes, trainer.net.arena.flat.nbytes
    units = sizes.made if sizes.layered else sizes.total
    slabs = 2 * trainer.net.arena.flat.itemsize * (config.batch_size or 1) * units
    theory = parameters * (1 + len(trainer.update.states)) + trainer.net.fixed.nbytes + slabs
    return {"parts": found, "parameter_bytes": parameters, "theory_bytes": theory}


def grown(config: gpufa.Config, data: Data, what: str) -> int:
    """Bytes by which the process has grown at most: in some steps alone, or in a run from its beginning."""
    before = memory("VmRSS")
    trainer = Trainer(config, data) if what == "step" else None
    PROCESS.joinpath("clear_refs").write_text("5")  # the peak begins anew, here
    if trainer is None:
        trained(config, data)
    else:
        trainer.begin_epoch()
        for _ in range(STEPS):
            trainer.step()
    return memory("VmHWM") - before


def trained(config: gpufa.Config, data: Data) -> None:
    """A run in its folder: steps, angles, evaluation and checkpoints."""
    with tempfile.TemporaryDirectory() as folder:
        gpufa.train(replace(config, out=str(Path(folder) / "run")), data)


def measured(order: dict[str, Any], what: str) -> dict[str, Any]:
    """One of the three, here."""
    config, data = settings(**{name: order[name] for name in ("net", "rule", "optimizer", "quick")})
    if what == "foretold":
        return foretold(config, data)
    tiny = Data(*(part[:40, :4] if part.ndim > 1 else part[:40] for part in data))
    trained(replace(config, hidden=(4,), layers=None), tiny)  # what is loaded once is no part of a run
    square = np.ones((1, 1000, 1000), np.float32)
    get_backend("numpy").gemm(square, square, out=np.empty_like(square))  # BLAS keeps the room for its panels
    return {f"{what}_bytes": grown(config, data, what)}


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    all_told = sum(size for part, size in row["parts"].items() if part != "the data as they were read")
    parameters, theory, step, whole = (row[f"{part}_bytes"] for part in ("parameter", "theory", "step", "run"))
    step -= row["parts"]["data on the device"]
    cells = [row["net"], row["rule"], row["optimizer"], *(f"{size / MIB:.1f}" for size in (parameters, theory, step))]
    cells += [f"{step / theory:.2f}", *(f"{size / MIB:.1f}" for size in (all_told, whole)), f"{whole / all_told:.2f}"]
    return f"| {' | '.join(cells)} |"


def write(rows: list[dict[str, Any]]) -> Path:
    """Put the table into docs/scale.md, in place of the one that stands there."""
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(HEAD)
    after = rest[rest.index("\n\n") :]
    table = [HEAD, "|---" * (HEAD.count("|") - 1) + "|", *map(line, rows)]
    DOCS.write_text(before + "\n".join(table) + after, encoding="utf-8")
    return DOCS


if __name__ == "__main__":
    print(json.dumps(measured(json.loads(sys.argv[1]), sys.argv[2])))
