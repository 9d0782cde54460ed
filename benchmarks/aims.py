"""What the CPU's steps aim at, and what forbids it where they don't get there."""

from typing import Any

CPU_AIMS = {  # the most that gpufa's DFA should take of a family's time
    "784-800-800-10, batch 64": {
        "torch bp": 0.5, "biotorch dfa": 0.45, "torch dfa": 0.75, "jax": 0.85,
        "bare products dfa": 1.2, "gpufa bp": 0.85,
    },
    "784-800-800-10, batch 256": {
        "torch bp": 0.55, "biotorch dfa": 0.55, "torch dfa": 0.8, "jax": 1.0, "bare products dfa": 1.05
    },
    "784-[240]x7-10, batch 64": {"torch bp": 0.5, "bare products dfa": 1.25},
    "784-[240]x100-10, batch 64": {"torch bp": 0.5, "bare products dfa": 1.25},
    "784-[800]x4-10, batch 64": {"gpufa bp": 0.78},
    "784-800-800-10, batch 64, RMSprop": {"torch bp": 0.5},
    "784-800-800-10, batch 64, Adam": {"torch bp": 0.5},
}  # fmt: skip


def aims(record: dict[str, Any]) -> list[str]:
    """What the steps aim at, against what the bare products alone, which nothing can be faster than, would reach."""
    lines = []
    for work in record["works"]:
        ms = {row["contender"]: row["ms"] for row in work["rows"] if "ms" in row}
        for family, aim in CPU_AIMS.get(work["work"], {}).items() if record["kind"] == "cpu" else ():
            best = min((t for name, t in ms.items() if name.startswith(family)), default=None)
            if best and "bare products dfa" in ms:
                ours, floor = ms["gpufa dfa"] / best, ms["bare products dfa"] / best
                verdict = "reached" if ours <= aim else "out of the products' reach" if floor > aim else "missed"
                lines.append(f"| {work['work']} | {family} | {aim:.2f} | {ours:.2f} | {floor:.2f} | {verdict} |")
    if not lines:
        return []
    head = [
        "",
        "### Aims",
        "",
        "A step of gpufa's DFA against the fastest row of each family, and what the bare products, which run through"
        " the same BLAS and are most of a step, would reach if everything else took no time:",
        "",
        "| work | against | aim | gpufa dfa | its bare products | |",
        "|---|---|---|---|---|---|",
    ]
    return [*head, *lines]
