"""What one training step of every rule asks of a GPU: launches, products, copies, waits; counted, not timed.

Counted by the stand-in for a GPU that the tests have, which sees CuPy's own launches as well as gpufa's. The steps are
those of a small net, whose counts are those of any net of as many layers but for what the docs say.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gpufa import Config, Data
from gpufa.rules import RULES
from gpufa.training.trainer import Trainer

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
HEAD = """| rule | launches | products | copies | bytes copied | fills | waits | nodes recorded |
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


def run(count: Callable[[], Counts], rules: Iterable[str] = RULES) -> dict[str, dict[str, Counts]]:
    """By rule, the counts of a step "as it is" and of one "replayed", both with everything made and compiled before."""
    return {rule: _counted(rule, count) for rule in rules}


def _counted(rule: str, count: Callable[[], Counts]) -> dict[str, Counts]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9 * BATCH, 6)), np.arange(9 * BATCH) % 3
    settings = {"rule": rule, "hidden": HIDDEN, "batch_size": BATCH, "seeds": SEEDS, "backend": "cupy", "epochs": 9}
    trainer = Trainer(Config(**settings | OWN.get(rule, {})), Data(x[:-BATCH], y[:-BATCH], x[-BATCH:], y[-BATCH:]))
    trainer.begin_epoch()
    trainer.step()
    with trainer.backend.working():
        plain = _between(count, trainer._steps[BATCH]._run)
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
    for rule, row in rows.items():
        plain, replayed = row["as it is"], row["replayed"]
        figures = [plain[kind] for kind in ("launches", "products", "copies", "bytes", "fills", "syncs")]
        text += f"| `{rule}` | {' | '.join(map(str, [*figures, replayed['graph_nodes']]))} |\n"
    return text


def write(rows: dict[str, dict[str, Counts]], page: Path = PAGE) -> Path:
    """Put the table between the page's marks."""
    head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(head + BEGIN + table(rows) + END + rest.partition(END)[2], encoding="utf-8")
    return page
