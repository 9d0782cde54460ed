"""What one training step of every rule asks of a GPU: launches, products, copies, waits; counted, not timed.

Counted by the stand-in for a GPU that the tests have, which sees CuPy's own launches as well as gpufa's. The steps are
those of a small net, whose counts are those of any net of as many layers but for what the docs say, of LeNet, and of a
net of two convolutions with batch norms.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gpufa import Config, Data
from gpufa.parallel.ranks import Piece, in_turn
from gpufa.rules import RULES
from gpufa.training.trainer import Trainer

from .works import LENET

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/gpu.md"
BEGIN, END = "<!-- counts -->\n", "<!-- end of counts -->\n"
KINDS = {"launches", "products", "copies", "bytes", "fills", "syncs", "graph_launches", "graph_nodes"}
HIDDEN, BATCH, SEEDS = (9, 7), 8, (0, 1)
OWN: dict[str, dict[str, Any]] = {
    "nn_lift": {"hidden": (7,)},
    "evolution": {"rule_options": {"pairs": 2}},
    "rbm": {"scaling": "unit"},
}
NORMED = (
    *("input 1x32x32", "conv 6 5x5 pad valid, batch norm, relu, pool 2"),
    "conv 16 5x5 pad valid stride 2, batch norm, relu, pool 2",
)
GRU = "input 32x32", "gru 9"
STEPS: dict[str, dict[str, Any]] = {
    **{rule: {"rule": rule, "hidden": HIDDEN} | OWN.get(rule, {}) for rule in RULES},
    **{f"{rule}, LeNet": {"rule": rule, "layers": LENET[:-1]} for rule in ("bp", "fa", "dfa")},
    **{f"{rule}, batch norms": {"rule": rule, "layers": NORMED} for rule in ("bp", "fa", "dfa")},
    **{f"{rule}, GRU of 32 steps": {"rule": rule, "layers": GRU} for rule in ("bp", "fa", "dfa", "eprop", "decolle")},
}
HEAD = """| rule, net | launches | products | copies | bytes copied | fills | waits | nodes recorded |
|---|---|---|---|---|---|---|---|
"""
Counts = dict[str, int]


def standin() -> Callable[[], Counts]:
    """The stand-in's count of everything so far; CuPy, not imported yet, will run on it."""
    sys.path.append(str(ROOT / "tests"))
    try:
        import standin

        standin.install()
    except (ImportError, RuntimeError) as error:
        reason = f"only the tests' stand-in for a GPU counts all that CuPy does: {error}"
        raise SystemExit(f"benchmarks: {reason}") from None
    return standin.counts


def run(count: Callable[[], Counts], steps: Iterable[str] = STEPS) -> dict[str, dict[str, Counts]]:
    """By name, the counts of a step "as it is" and of one "replayed", both with everything made and compiled before."""
    return {name: _counted(STEPS[name], count) for name in steps}


def _counted(settings: dict[str, Any], count: Callable[[], Counts]) -> dict[str, Counts]:
    rng = np.random.default_rng(0)
    inputs = 1024 if "layers" in settings else 6
    x, y = rng.normal(size=(9 * BATCH, inputs)), np.arange(9 * BATCH) % 3
    config = Config(**settings, batch_size=BATCH, seeds=SEEDS, backend="cupy", epochs=9)
    trainer = Trainer(config, Data(x[:-BATCH], y[:-BATCH], x[-BATCH:], y[-BATCH:]))
    trainer.begin_epoch()
    trainer.step()
    with trainer.backend.working():
        step = trainer._steps[BATCH]
        plain = _between(count, in_turn([piece.do for piece in step._pieces(Piece(step._collect))]))
    trainer.step()
    return {"as it is": plain, "replayed": _between(count, trainer.step)}


def _between(count: Callable[[], Counts], step: Callable[[], None]) -> Counts:
    before = count()
    step()
    after = count()
    return {kind: after[kind] - before[kind] for kind in sorted(KINDS)}


def table(rows: dict[str, dict[str, Counts]]) -> str:
    """The rows as Markdown."""
    text = HEAD
    for name, row in rows.items():
        plain, replayed = row["as it is"], row["replayed"]
        figures = [plain[kind] for kind in ("launches", "products", "copies", "bytes", "fills", "syncs")]
        rule, _, net = name.partition(", ")
        text += f"| `{rule}`{net and f', {net}'} | {' | '.join(map(str, [*figures, replayed['graph_nodes']]))} |\n"
    return text


def write(rows: dict[str, dict[str, Counts]], page: Path = PAGE) -> Path:
    """Put the table between the page's marks."""
    head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(head + BEGIN + table(rows) + END + rest.partition(END)[2], encoding="utf-8")
    return page
