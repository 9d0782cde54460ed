"""docs/performance.md, made of the result files alone."""

import json
from pathlib import Path
from typing import Any

from . import pictures, scaling, temporal
from .quoted import quoted
from .records import counts, machine, threads
from .steps import steps

DOCS = Path(__file__).parent.parent / "docs"
README = DOCS.parent / "README.md"
HEAD = """# Performance

This page is made of the files in [benchmarks/results](../benchmarks/results) by `python -m benchmarks report`.

Every contender runs in a process of its own, with the same number of threads, kept to as many cores, and its data in
memory, and takes its turns A B C A B C, with a pause in between until the others' threads have gone to sleep, and a
tenth of a second of steps that don't count until its own have found a core each; a row is the median of its turns,
with the quartiles. Before it is timed it trains 20 steps from the start that all share: contenders of one rule must
then have the same weights to 1e-4, so that the same work is timed; what does other work says so. *Bare products* are
the matrix products that a step can't do without, and nothing else. A ratio above 1 is slower than gpufa's DFA.

Nets of maps stand in [gpufa's words](layers.md). DFA's error enters at every block's output and goes down inside a
block by local backprop, in PyTorch's and JAX's DFA by hand, too. JAX's maps have channels last in memory. ResNet-20 and
Nøkland's net are compared in float64: in float32 rounding soon turns some unit of relu over, or what a pool takes.
"""


def write(results: Path) -> Path:
    """Write the page and its pictures; returns the page."""
    records = [json.loads(path.read_text(encoding="utf-8")) | {"file": path} for path in sorted(results.glob("*.json"))]
    records = [record for record in records if counts(record)]
    sections = [steps(same, DOCS) for kind in ("cpu", "gpu") for same in alike(records, kind)]
    sections += [whole_epoch(r) for r in records if r.get("kind") == "epoch"]
    sections += [streamed(r) for r in records if r.get("kind") == "streams"]
    sections += [growth(r) for r in records if r.get("kind") == "scaling"]
    sections += [every_rule(r) for r in records if r.get("kind") == "rules"]
    sections += [held(r) for r in records if r.get("kind") == "memory"]
    sections += [temporal.through_time(r, DOCS) for r in records if r.get("kind") == "through_time"]
    sections += [temporal.on_graphs(r) for r in records if r.get("kind") == "graphs"]
    if machines := alike(records, "cpu"):
        most = max(machines, key=lambda same: (len(same[0]["works"]), same[0]["date"]))[0]
        README.write_text(quoted(most, README.read_text(encoding="utf-8")), encoding="utf-8")
    page = DOCS / "performance.md"
    page.write_text("\n".join([HEAD, *sections]).rstrip() + "\n", encoding="utf-8")
    return page


def alike(records: list[dict[str, Any]], kind: str) -> list[list[dict[str, Any]]]:
    """Those of a kind, those of a machine together, the ones of most threads first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        if record.get("kind") == kind:
            found.setdefault(machine(record), []).append(record)
    return [sorted(same, key=lambda record: -record["threads"]) for same in found.values()]


def streamed(record: dict[str, Any]) -> str:
    """How fast samples are trained on that stay in their file."""
    lines = [
        f"## Samples that stay in their file: {machine(record)}, {threads(record)}",
        "",
        f"`{record['command']}`, {record['date']}: an epoch of 60,000 samples, 784-800-800-10, batch 128, plain SGD,"
        " dfa, one seed, --scaling standard, from a file in the page cache and in memory, in turn.",
        "",
        "| form | seconds | in memory | share of the speed in memory |",
        "|---|---|---|---|",
    ]
    for row in record["rows"]:
        share = row["memory_s"] / row["streamed_s"]
        lines.append(f"| {row['form']} | {row['streamed_s']:.2f} | {row['memory_s']:.2f} | {share:.2f} |")
    return "\n".join([*lines, ""])


def whole_epoch(record: dict[str, Any]) -> str:
    """What an epoch takes beyond its steps."""
    ratio = record["epoch_s"] / record["steps_s"]
    lines = [
        f"## An epoch: {machine(record)}, {threads(record)}",
        "",
        f"`{record['command']}`, {record['date']}: an epoch of 60,000 samples, 784-800-800-10, batch 64, plain SGD,",
        "with the drawing of the order, batching, the alignment probe, divergence checks and the history takes",
        f"{record['epoch_s']:.3g} s, {ratio:.2f} times its {record['steps']} steps ({record['steps_s']:.3g} s).",
        "",
    ]
    return "\n".join(lines)


def growth(record: dict[str, Any]) -> str:
    """How time grows on one machine: a picture and the slopes."""
    file, facts, rows = record["file"], record["facts"], [r for r in record["rows"] if "ms" in r]
    picture = DOCS / f"performance-{file.stem}.png"
    pictures.growth(rows, picture)
    lines = [
        f"## Growth: {facts['processor']}, {threads(record)}",
        "",
        f"`{record['command']}`, {record['date']}. The base net is {scaling.BASE.name} (depth and replicas: layers of"
        f" 128 units), plain SGD; one thing is changed at a time. [Figures](../benchmarks/results/{file.name}).",
        "",
        f"![step time against width, depth, batch, replicas and classes]({picture.name})",
        "",
        f"Slope of log time against log value over the last {scaling.TOP} points (1: proportional):",
        "",
        f"| axis | {' | '.join(scaling.BASE.contenders)} |",
        "|---|---|---|",
    ]
    slopes = scaling.slopes(rows)
    for axis in scaling.AXES:
        found = [slopes.get((axis, name)) for name in scaling.BASE.contenders]
        lines.append(f"| {axis} | {' | '.join('' if s is None else f'{s:.2f}' for s in found)} |")
    return "\n".join([*lines, ""])


def every_rule(record: dict[str, Any]) -> str:
    """A step of each rule against DFA's and BP's."""
    ms = {row["contender"].split()[1]: row["ms"] for row in record["rows"] if "ms" in row}
    kept = {row["contender"].split()[1]: row.get("allocated_bytes", 0) / 1024 for row in record["rows"]}
    lines = [
        f"## Every rule: {record['facts']['processor']}, {threads(record)}",
        "",
        f"`{record['command']}`, {record['date']}: a step of {record['work']}, plain SGD, each rule with the"
        " activation, loss and options that are its own defaults."
        f" [Figures](../benchmarks/results/{record['file'].name}).",
        "",
        "| rule | ms a step | against dfa | against bp | KiB allocated in a step |",
        "|---|---|---|---|---|",
    ]
    for rule, t in sorted(ms.items(), key=lambda pair: pair[1]):
        lines.append(f"| {rule} | {t:.2f} | {t / ms['dfa']:.2f} | {t / ms['bp']:.2f} | {kept[rule]:.1f} |")
    return "\n".join([*lines, ""])


def held(record: dict[str, Any]) -> str:
    """The memory of every point."""
    lines = [
        f"## Memory: {record['facts']['processor']}, {threads(record)}",
        "",
        f"`{record['command']}`, {record['date']}: the peak of gpufa dfa's memory beyond the imports and the data as"
        f" handed in, against data + parameters. [Figures](../benchmarks/results/{record['file'].name}).",
        "",
        "| axis | value | MiB | against data + parameters |",
        "|---|---|---|---|",
    ]
    for r in record["rows"]:
        if r["contender"] == "gpufa dfa" and "grown_bytes" in r:
            lines.append(f"| {r['axis']} | {r['value']} | {r['grown_bytes'] / 2**20:.0f} | {scaling.against(r):.2f} |")
    return "\n".join([*lines, ""])
