"""docs/reproductions.md, made of the records that `gpufa reproduce` leaves."""

import json
import shutil
from pathlib import Path
from typing import Any

from gpufa.basics import files
from gpufa.reproductions import experiment
from gpufa.reproductions.record import RECORD, columns, line

DOCS = Path(__file__).parent.parent / "docs"
PICTURES = DOCS / "reproductions"
HEAD = """# Reproductions

Published experiments beside what gpufa makes of them: `gpufa reproduce list` names them, `gpufa reproduce NAME` runs
one, goes on where it was stopped, and draws its figures. This page is made of the files in
[benchmarks/results/reproductions](../benchmarks/results/reproductions) by `python -m benchmarks reproductions`.

*Published* and *ours* are means ± sample deviations over seeds, in brackets the training error over the last epoch's
own batches. A cell is *within* where ours is no further from the published figure than so many published deviations or
so many points, whichever is more; each section names both and the reason. Where the paper has words for a figure, a
bound says the same (`above` or `below` in the experiment's file). Test data chose nothing that is judged.
"""


def collect(runs: Path, results: Path) -> None:
    """Take over every experiment's record and figures from the folder that gpufa reproduce wrote to; of cells that
    were not run there the earlier record stays, where these are still the experiment's, and so does a picture with
    their curves."""
    results.mkdir(parents=True, exist_ok=True)
    PICTURES.mkdir(exist_ok=True)
    for file in sorted(runs.glob(f"*/{RECORD}")):
        found = record = read(file)
        target = results / f"{file.parent.name}.json"
        if target.exists():
            record = joined(record, read(target))
        files.write(target, json.dumps(record, indent=1, ensure_ascii=False) + "\n", "record", "make room for it")
        for figure in record["figures"]:
            name = f"{figure['name']}.png"
            kept = PICTURES / f"{file.parent.name}-{name}"
            if kept.exists() and record["cells"] != found["cells"]:
                print(f"kept {kept.name}, which has curves of cells that were not run in {file.parent}")
            elif (file.parent / name).exists():
                shutil.copy(file.parent / name, kept)


def joined(record: dict[str, Any], earlier: dict[str, Any]) -> dict[str, Any]:
    """A record with the cells, and the figures, that it lacks and an earlier one has."""
    ran = {cell["name"]: cell for cell in earlier["cells"] if cell["seeds"]}

    def latest(cell: dict[str, Any]) -> dict[str, Any]:
        before = ran.get(cell["name"], cell)
        return before if not cell["seeds"] and before["settings"] == cell["settings"] else cell

    cells = [latest(cell) for cell in record["cells"]]
    drawn = {figure["name"] for figure in record["figures"]}
    figures = record["figures"] + [figure for figure in earlier["figures"] if figure["name"] not in drawn]
    makers = sorted({*record["gpufa"], *earlier["gpufa"]}) if cells != record["cells"] else record["gpufa"]
    return record | {"cells": cells, "figures": figures, "gpufa": makers}


def write(results: Path) -> Path:
    """Write the page; returns it."""
    records = [read(file) for file in sorted(results.glob("*.json"))]
    page = DOCS / "reproductions.md"
    page.write_text("\n".join([HEAD, summary(records), *map(section, records)]).rstrip() + "\n", encoding="utf-8")
    return page


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def summary(records: list[dict[str, Any]]) -> str:
    """How many cells of each experiment came out how."""
    words = "within", "outside", "not comparable", "not run"
    lines = [f"| experiment | {' | '.join(words)} |", "|---|" + "---|" * len(words)]
    for record in records:
        counts = [sum(cell["verdict"] == word for cell in record["cells"]) for word in words]
        lines.append(f"| [{record['name']}](#{record['name']}) | {' | '.join(str(n or '') for n in counts)} |")
    return "\n".join([*lines, ""])


def section(record: dict[str, Any]) -> str:
    """One experiment: what it is, its table, what has not been run, its figures."""
    tolerance, ran = record["tolerance"], [cell for cell in record["cells"] if cell["seeds"]]
    hours = sum(cell["seconds"] for cell in ran) / 3600
    machines = sorted({machine for cell in ran for machine in cell["machines"]})
    lines = [
        f"## {record['name']}",
        "",
        f"**{record['title']}.** {record['source']}.",
        "",
        record["about"],
        "",
        f"`gpufa reproduce {record['name']}`, {record['date']}, gpufa {', '.join(record['gpufa'])},"
        f" {'; '.join(machines) or 'no machine noted'}, {hours:.1f} hours of training."
        f" Tolerance: {tolerance['deviations']} deviations or {tolerance['points']} points; {tolerance['reason']}.",
        "",
        f"| {' | '.join(columns(record))} |",
        "|---|" + "---|" * (len(columns(record)) - 1),
        *(f"| {' | '.join(line(cell, record['digits']))} |" for cell in ran),
        "",
    ]
    if record["notes"]:
        lines += [*(f"- {name}: {note}." for name, note in record["notes"].items()), ""]
    if missing := [cell["name"] for cell in record["cells"] if not cell["seeds"]]:
        lines += [f"Not run: {', '.join(missing)}.", ""]
    if cost := experiment.find(record["name"]).cost:
        lines += [cost, ""]
    for figure in record["figures"]:
        lines += [
            f"![{figure['caption']}](reproductions/{record['name']}-{figure['name']}.png)",
            "",
            f"{figure['caption']}.",
            "",
        ]
    return "\n".join(lines)
