"""What commands print: tables, facts, lines."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from ..basics.sheet import Sheet
from ..checkpoints.entering import entries_in
from ..checkpoints.networks import inside
from ..data.samples.about import of_metadata
from ..functions.activations import ACTIVATIONS
from ..layers.words import LAYERS
from ..measure.scores import BALANCED, RECALL
from ..network import Network
from ..rules import Rule
from ..runs import tables
from ..runs.result import Run
from ..runs.summary import by_class, states
from .layerwords import description, rules_of


def results(run: Run, to: Console) -> None:
    """The table of a finished run, then recalls, the alignment angles, and what else there is to say."""
    sheet(tables.results(run.summary), to)
    if tables.RECALL in run.summary:
        to.print(tables.classes(run.summary), soft_wrap=True)
    if any(v is not None for v in run.summary["alignment_deg"]):
        angles = " ".join("-" if v is None else f"{v:.1f}°" for v in run.summary["alignment_deg"])
        to.print(f"angle with backprop's deltas, layer by layer, mean over seeds: {angles}")
    for note in tables.notes(run.summary):
        to.print(note)


def sheet(shown: Sheet, to: Console) -> None:
    """A table of results."""
    table = Table(title=shown.title)
    for i, name in enumerate(shown.head):
        left, whole = i == 0 or name in shown.texts, i == 0 and bool(shown.foot)
        table.add_column(name, justify="left" if left else "right", overflow="fold", no_wrap=whole)
    for row in shown.rows:
        table.add_row(*row)
    if shown.foot:
        table.add_section()
        table.add_row(*shown.foot)
    to.print(table)


def facts(rows: Mapping[str, Any], to: Console, title: str | None = None) -> None:
    """A table of names and values."""
    table = Table(title=title, show_header=False)
    for name, value in rows.items():
        table.add_row(name, str(value))
    to.print(table)


def rules(table: Mapping[str, type[Rule]], to: Console) -> None:
    """What is to be known of every rule before one is chosen."""
    shown = Table(title="learning rules", show_lines=True)
    shown.add_column("rule", no_wrap=True)
    for column in ("paper", "crosses between layers", "memory beyond the net", "frees the locks"):
        shown.add_column(column, overflow="fold")
    for name, rule in table.items():
        shown.add_row(name, rule.paper, rule.crosses, rule.memory or "none", rule.frees or "none")
    to.print(shown)


def layers(to: Console) -> None:
    """The words of layers, and how they are put together."""
    shown = Table(title="layers", show_lines=True)
    for column in ("word", "what it is"):
        shown.add_column(column, no_wrap=column == "word")
    for layer in LAYERS.values():
        shown.add_row(layer.example, description(layer))
    around = "What stands in the brackets, and its input, or what a shortcut behind | makes of that, added."
    shown.add_row("residual(dense 64 tanh)", f"{around} Around one dense layer: {rules_of('residual(dense 8)', (8,))}.")
    shown.add_row("tanh", f"An activation, behind a layer's word or alone: {', '.join(ACTIVATIONS)}.")
    to.print(shown)
    to.print(
        "A string is a block: layers with commas between them. An error arrives at a block's output, as the rule sends"
        " it, and goes down within the block by local backprop. The output layer is made of the data; of images"
        ' "input 3x32x32", channels x height x width, stands in front, of series "input 3x100", channels x time.'
    )


def scores(found: Mapping[str, NDArray], net: Network, to: Console, title: str) -> None:
    """One line per seed, then mean and deviation; then the recall of each class, and their mean."""
    seeds, values = net.seeds, {name: v for name, v in found.items() if v.ndim == 1 and name != BALANCED}
    rows = tuple((str(seed), *(f"{v[r]:.4f}" for v in values.values())) for r, seed in enumerate(seeds))
    means = (tables.mean_and_deviation(list(v), tables.digits(name)) for name, v in values.items())
    sheet(Sheet(title, ("seed", *map(tables.heading, values)), rows, ("mean ± deviation", *means)), to)
    if RECALL in found:
        sheet(tables.recalls(by_class(found[RECALL], net.about), list(found[BALANCED])), to)


def contents(arrays: Mapping[str, NDArray], metadata: Mapping[str, Any], to: Console, title: str) -> None:
    """A checkpoint's facts and settings, then its arrays."""
    network, config = metadata["network"], metadata.get("config", {})
    facts({"gpufa": metadata["gpufa"], **network}, to, title)
    if (about := of_metadata(metadata)) and isinstance(data := metadata.get("data"), dict):
        rows = data["x_train"][0][0], data["x_test"][0][0]
        to.print(about.sentence(network["sizes"][-1], network["sizes"][0], *rows), soft_wrap=True)
    for line in entries_in(metadata):
        to.print(line, soft_wrap=True)
    if config:
        counters = {name: arrays[f"progress/{name}"] for name in ("epoch", "batch", "step")}
        status = states(inside("progress", arrays), config["epochs"] or 0)
        facts({**counters, "status": status, **config}, to, "training")
    table = Table(title=f"{len(arrays)} arrays, {sum(a.nbytes for a in arrays.values()):,} bytes, checksum verified")
    for column in ("name", "shape", "type"):
        table.add_column(column)
    for name, array in arrays.items():
        table.add_row(name, "x".join(map(str, array.shape)) or "one number", str(array.dtype))
    to.print(table)
