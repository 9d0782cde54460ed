"""The README's tables of steps: the fastest of each family, dense nets in one and nets of maps in another."""

from typing import Any

from .records import machine, threads

BEGIN, END = "<!-- performance -->", "<!-- end of performance -->"
DENSE = "bare products dfa", "gpufa bp", "torch bp", "torch dfa", "jax bp", "jax dfa", "sklearn bp", "biotorch dfa"
MAPS = "gpufa fa", "gpufa bp", "torch bp", "torch dfa", "jax bp", "jax dfa", "biotorch fa", "biotorch dfa"
OURS = "gpufa", "bare"


def quoted(record: dict[str, Any], text: str) -> str:
    """The README with the record's tables between its marks, where it has these."""
    head, found, rest = text.partition(BEGIN)
    if not found:
        return text
    works = [work for work in record["works"] if sum("ms" in row for row in work["rows"]) > 1]
    lines = ["", f"{machine(record)}, {threads(record)}, `{record['command']}`:", ""]
    for families, chosen in (
        (DENSE, [work for work in works if not work.get("layers")]),
        (MAPS, [work for work in works if work.get("layers")]),
    ):
        lines += _table(chosen, families) if chosen else []
    return head + BEGIN + "\n".join(lines) + END + rest.partition(END)[2]


def _table(works: list[dict[str, Any]], families: tuple[str, ...]) -> list[str]:
    lines = [f"| net | gpufa dfa, ms | {' | '.join(families)} |", "|---|---|" + "---|" * len(families)]
    others: list[tuple[float, str, str]] = []
    for work in works:
        rows = {row["contender"]: row["against_gpufa_dfa"] for row in work["rows"] if "ms" in row}
        best = []
        for family in families:
            ratios = [(ratio, name) for name, ratio in rows.items() if name.startswith(family)]
            best.append(f"{min(ratios)[0]:.2f}" if ratios else "")
            others += [(ratio, name, work["work"]) for ratio, name in ratios if not name.startswith(OURS)]
        ms = next(row["ms"] for row in work["rows"] if row["contender"] == "gpufa dfa")
        lines.append(f"| {work['work']} | {ms:.2f} | {' | '.join(best)} |")
    if others:
        (low, who, where), (high, other, there) = min(others), max(others)
        worst, best_ = f"{who} takes {low:.2f} of gpufa's time ({where})", f"{other} takes {high:.2f} ({there})"
        lines += ["", f"Worst: {worst}. Best: {best_}."]
    return [*lines, ""]
