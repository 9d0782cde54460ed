"""The section of docs/performance.md on one machine's steps: what it is, a picture, and a table for each work, in which
runs with other numbers of threads stand side by side."""

from pathlib import Path
from typing import Any

from . import aims, pictures
from .records import by_work, machine, named, threads

COLUMNS = "ms a step", "quartiles", "against gpufa dfa"
MIB = 1 << 20


def steps(records: list[dict[str, Any]], docs: Path) -> str:
    """Of the records of one machine, the one of most threads first; the picture is put into `docs`."""
    first = records[0]
    picture = docs / f"performance-{named(first['kind'], machine(first), docs).stem}.png"
    pictures.contenders(records, picture)
    many = ", ".join(map(threads, records))
    lines = [f"## {machine(first)}, {many}", ""]
    lines += [about(record) for record in records]
    lines += ["", f"![step times against gpufa's DFA]({picture.name})"]
    for name, found in by_work(records).items():
        lines += ["", f"### {name}", "", *told(found)]
    return "\n".join([*lines, *replicas(first), *aims.aims(records), ""])


def about(record: dict[str, Any]) -> str:
    """How it was measured, as a paragraph."""
    facts = "; ".join(f"{name}: {value}" for name, value in record["facts"].items())
    packages = ", ".join(f"{name} {found}" for name, found in record["packages"].items())
    made = f"`{record['command']}`, {threads(record)}, {record['date']}, {record['system']}; {packages}. {facts}."
    return f"{made} [Figures](../benchmarks/results/{record['file'].name}).\n"


def told(found: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[str]:
    """One work in all records that have it: (record, the work there)."""
    works = [work for _, work in found]
    lines = [f"`{'` `'.join(works[0]['layers'])}`", ""] if works[0].get("layers") else []
    heads = [f"{threads(record)}: {column}" if len(found) > 1 else column for record, _ in found for column in COLUMNS]
    lines += [f"| contender | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    names = dict.fromkeys(row["contender"] for work in works for row in work["rows"] if "ms" in row)
    for name in names:
        rows = [next((row for row in work["rows"] if row["contender"] == name), {}) for work in works]
        marks = " (other work)" if any("other" in row for row in rows) else ""
        marks += " (**other weights**)" if any(row.get("agrees") is False for row in rows) else ""
        lines.append(f"| {name}{marks} | {' | '.join(cell for row in rows for cell in cells(row))} |")
    lines += [f"\n{threads(record)}: measured on {work['date']}." for record, work in found if "date" in work]
    every = [row for work in works for row in work["rows"]]
    if most := max((row.get("allocated_bytes", 0) for row in every), default=0):
        lines += ["", f"A step of gpufa allocates {most / 1024:.1f} KiB at most, objects and temporaries together."]
    lines += [line for line in map(held, works[0]["rows"]) if line]
    lines += [line for record, work in found for line in convolutions(record, work)]
    for what, key in (("Other work", "other"), ("Absent", "absent")):
        if why := dict.fromkeys(f"{row['contender']} ({row[key]})" for row in every if key in row):
            lines += ["", f"{what}: {'; '.join(why)}."]
    return lines


def cells(row: dict[str, Any]) -> list[str]:
    """Its part of a line, empty where it was not timed."""
    if "ms" not in row:
        return [""] * len(COLUMNS)
    low, high = row["quartiles_ms"]
    ratio = f"{row['against_gpufa_dfa']:.2f}" if row["against_gpufa_dfa"] else ""
    return [f"{row['ms']:.3f}", f"{low:.3f} to {high:.3f}", ratio]


def held(row: dict[str, Any]) -> str:
    """What gpufa's DFA takes of memory, where that was measured."""
    if row["contender"] != "gpufa dfa" or "activation_bytes" not in row:
        return ""
    parts = [row[f"{part}_bytes"] / MIB for part in ("grown", "data", "parameter", "activation")]
    grown, data, parameters, activations = (f"{part:.1f}" for part in parts)
    return (
        f"\nThe process of gpufa's DFA grew by {grown} MiB; its own copy of the data is {data} MiB, the parameters are"
        f" {parameters} MiB, and what all layers put out in a step is {activations} MiB."
    )


def convolutions(record: dict[str, Any], work: dict[str, Any]) -> list[str]:
    """What those of a step come to."""
    if "convolutions" not in work:
        return []
    ms, gflops, peak = (work["convolutions"][name] for name in ("ms", "gflops", "peak_gflops"))
    share = f"{gflops:.0f} GFLOP/s, {gflops / peak:.0%} of what {threads(record)} can multiply and add ({peak:.0f})"
    return ["", f"The convolutions of a step of gpufa's DFA take {ms:.2f} ms, at {share}."]


def replicas(record: dict[str, Any]) -> list[str]:
    """Samples per second of replicas at once, against one net after the other."""
    ms = {work["work"]: row["ms"] for work in record["works"] for row in work["rows"][:1] if "ms" in row}
    pairs = [(work["work"], work["work"].replace(f"{work['replicas']} replicas", "one net"), work["replicas"])
             for work in record["works"] if work["replicas"] > 1]  # fmt: skip
    return [
        f"\n{many}: {count * ms[one] / ms[many]:.2f} times the samples per second of {count} runs in turn."
        for many, one, count in pairs
        if {many, one} <= ms.keys()
    ]
