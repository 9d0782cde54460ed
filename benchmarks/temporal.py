"""The sections of docs/performance.md on recurrent nets and on nets on graphs, beside other programs."""

from pathlib import Path
from typing import Any

from . import pictures
from .records import machine, threads
from .through_time import CHANNELS, UNITS

BATCH_BY_STEP = 32 * 8  # numbers of a batch at each step in time, samples times channels


def through_time(record: dict[str, Any], docs: Path) -> str:
    """Steps of each cell against the fastest of the others' backprop through time, and memory against the length."""
    ms = {row["contender"]: row["ms"] for row in record["rows"]}
    picture = docs / f"performance-{record['file'].stem}.png"
    pictures.lengths(record["memory"], picture)
    lines = [
        f"## Nets in time: {machine(record)}, {threads(record)}",
        "",
        f"`{record['command']}`, {record['date']}: a step of Adam, float32, of 256 units on 64 channels: GRU and LSTM"
        " over 64 steps, batch 64; LIF, with recurrent weights, over 500 steps, batch 32. Medians of turns; `eprop` by"
        " its history. snnTorch's and Norse's units are not the same to the bit as ours."
        f" [Figures](../benchmarks/results/{record['file'].name}).",
        "",
        "| contender | ms a step | against the fastest BPTT of others |",
        "|---|---|---|",
    ]
    for cell in ("gru", "lstm", "lif"):
        found = {name: t for name, t in ms.items() if f" {cell} " in name}
        best = min((t for name, t in found.items() if not name.startswith("gpufa")), default=None)
        lines += [f"| {name} | {t:.1f} | {f'{t / best:.2f}' if best else ''} |" for name, t in found.items()]
    up = 2 * (UNITS + CHANNELS) / (2 * (UNITS + CHANNELS) + UNITS)  # nothing goes down to the inputs
    first, *_, last = (row for row in record["memory"] if row["rule"] == "eprop")
    more = (last["bytes"] - first["bytes"]) / (4 * BATCH_BY_STEP * (last["steps"] - first["steps"]))
    return "\n".join(
        [
            *lines,
            "",
            "DFA aims at 0.70 of the fastest BPTT. The way up and the gradients, which it goes through as BPTT does,"
            f" are {up:.2f} of the products of GRU and LSTM.",
            "",
            f"![memory of a step against the length]({picture.name})",
            "",
            "The peak of two steps beyond the data, an LSTM of 32 units on 8 channels, batch 32: `bp` keeps all steps"
            f" in time, `eprop` by traces none. From {first['steps']} to {last['steps']:,} steps `eprop` takes"
            f" {(last['bytes'] - first['bytes']) / 1e6:.1f} MB more, {more:.1f} times as much as the batch itself.",
            "",
        ]
    )


def on_graphs(record: dict[str, Any]) -> str:
    """A step on all nodes."""
    rows = [row for row in record["rows"] if "ms" in row]
    ours = next(row["ms"] for row in rows if row["contender"] == "gpufa dfa")
    lines = [
        f"## A graph net: {machine(record)}, {threads(record)}",
        "",
        f"`{record['command']}`, {record['date']}: a step of Adam on all nodes of {record['data']}, 16 hidden units,"
        f" dropout {record['dropout']}; without dropout all backprops have the same weights after 20 steps."
        f" [Figures](../benchmarks/results/{record['file'].name}).",
        "",
        "| contender | ms a step | quartiles | against gpufa dfa |",
        "|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["quartiles_ms"]
        lines.append(f"| {row['contender']} | {row['ms']:.2f} | {low:.2f} to {high:.2f} | {row['ms'] / ours:.2f} |")
    return "\n".join([*lines, ""])
