"""What steps aim at, and what forbids it where they don't get there."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from .records import threads


class Aim(NamedTuple):
    """The most that a step of `ours` should take of the time of a family's fastest; where `ours` are the convolutions,
    the least that they should come to of what the processor can do."""

    work: str
    against: str
    aim: float
    ours: str = "gpufa dfa"


FLOOR, PEAK, CONVOLUTIONS = "bare products dfa", "FMA peak", "convolutions"
TANH = {  # of DFA on dense nets
    "784-800-800-10, batch 64": {
        "torch bp": 0.5, "biotorch dfa": 0.45, "torch dfa": 0.75, "jax": 0.85, FLOOR: 1.2, "gpufa bp": 0.85
    },
    "784-800-800-10, batch 256": {
        "torch bp": 0.55, "biotorch dfa": 0.55, "torch dfa": 0.8, "jax": 1.0, FLOOR: 1.05
    },
    "784-[240]x7-10, batch 64": {"torch bp": 0.5, "torch dfa": 1.0, FLOOR: 1.15},
    "784-[240]x100-10, batch 64": {"torch bp": 0.5, "torch dfa": 1.0, FLOOR: 1.25},
    "784-[800]x4-10, batch 64": {"gpufa bp": 0.78, "torch dfa": 1.0},
    "3072-[1000]x3-10, batch 64": {"torch dfa": 1.0},
    "1024-[2048]x4-10, batch 512": {"torch dfa": 1.0},
    "784-800-800-10, batch 64, RMSprop": {"torch bp": 0.5, FLOOR: 1.3},
    "784-800-800-10, batch 64, Adam": {"torch bp": 0.5, FLOOR: 1.3},
    "784-240-240-10, batch 64, one net": {FLOOR: 1.15},
}  # fmt: skip
MAPS = {  # most of torch bp's and of biotorch dfa's time that DFA should take, and of torch bp's that BP should
    "LeNet, batch 64": (0.45, 0.3, 0.6),
    "LeNet-CIFAR, batch 128": (0.45, 0.3, 1.1),
    "Nøkland's CIFAR net, batch 64": (0.8, 0.5, 1.1),
    "VGG8, half as wide, batch 64": (0.8, 0.5, 1.1),
    "ResNet-20, batch 64": (0.8, 0.5, 1.1),
}
TRANSFORMER = "transformer of 6 blocks, d = 256, batch 32 of 128 characters"
READ = {"Adam": 7, "RMSprop": 5}  # times that a step reads or writes an array as large as all parameters, at least
WIDE = "Nøkland's CIFAR net, batch 64", "VGG8, half as wide, batch 64"


GPU = (
    Aim("784-800-800-10, batch 64", "torch bp", 0.125),
    Aim("784-800-800-10, batch 64", "torch dfa", 0.77),
    Aim("784-800-800-10, batch 64", "jax dfa", 0.77),
    Aim("784-[240]x100-10, batch 64", "torch bp", 0.5),
    Aim("784-[240]x100-10, batch 64", "jax bp", 0.5),
    Aim("4096-[4096]x4-1000, batch 4096, TF32", FLOOR, 1.15),
)
LAYERED_ON_GPU = {  # most of torch bp's and of torch dfa's time that DFA should take
    **{f"{net}, batch 64": (0.8, 1.0) for net in ("LeNet", "Nøkland's CIFAR net", "ResNet-20")},
    **{f"{net}, batch 64, TF32": (0.8, 1.0) for net in ("Nøkland's CIFAR net", "ResNet-20")},
    **{work: (0.75, 1.0) for work in (TRANSFORMER, f"{TRANSFORMER}, TF32")},
}


def every_aim(kind: str) -> Iterator[Aim]:
    """Those of the CPU or of a GPU."""
    if kind == "gpu":
        yield from GPU
        for work, (backprop, feedback) in LAYERED_ON_GPU.items():
            yield Aim(work, "torch bp", backprop)
            yield Aim(work, "torch dfa", feedback)
        return
    for work, families in TANH.items():
        for family, aim in families.items():
            yield Aim(work, family, aim)
    for work, (torch, biotorch, backprop) in MAPS.items():
        yield Aim(work, "torch bp", torch)
        yield Aim(work, "biotorch dfa", biotorch)
        yield Aim(work, "torch dfa", 1.0)
        yield Aim(work, "torch bp", backprop, "gpufa bp")
    yield Aim(TRANSFORMER, "torch bp", 0.75)
    yield Aim(TRANSFORMER, FLOOR, 1.3)
    for work in WIDE:
        yield Aim(work, PEAK, 0.7, CONVOLUTIONS)


def aims(records: list[dict[str, Any]]) -> list[str]:
    """What the steps aim at, by number of threads, and where bare products, which nothing can be faster than, would not
    get there either."""
    lines = []
    for aim in every_aim(records[0]["kind"]):
        found = [reached(aim, {work["work"]: work for work in record["works"]}) for record in records]
        if any(found):
            least = ", at least" if aim.against == PEAK else ""
            cells = aim.work, aim.ours, aim.against, f"{aim.aim:.2f}{least}", *found
            lines.append(f"| {' | '.join(cells)} |")
    if not lines:
        return []
    return [
        "",
        "### Aims",
        "",
        "A step against the fastest row of each family. *Out of reach* is what the bare products, which run through the"
        " same BLAS and are most of a step, would not come to if everything else took no time.",
        "",
        f"| work | of | against | aim | {' | '.join(map(threads, records))} |",
        "|---|---|---|---|" + "---|" * len(records),
        *lines,
        "",
        *(line for record in records for line in missed(record)),
    ]


def missed(record: dict[str, Any]) -> list[str]:
    """Where the time goes of works that miss an aim, of all rows alike."""
    works = {work["work"]: work for work in record["works"]}
    late = {aim.work: works[aim.work] for aim in every_aim(record["kind"]) if "missed" in reached(aim, works)}
    found = [f"- {name}: {why}" for name, work in late.items() if (why := rest(name, work))]
    return [f"Where the time goes in works that miss an aim, {threads(record)}:", "", *found] if found else []


def rest(name: str, work: dict[str, Any]) -> str:
    """What of a step of DFA is convolutions, or beside its products."""
    ms = {row["contender"]: row["ms"] for row in work["rows"] if "ms" in row}
    step, floor = ms["gpufa dfa"], ms.get(FLOOR)
    if share := work.get("convolutions"):
        speed = share["gflops"] / share["peak_gflops"]
        return f"convolutions, at {speed:.0%} of the FMA peak, are {share['ms']:.2f} of {step:.2f} ms"
    if floor is None:
        return ""
    optimizer = next((name for name in READ if name in work["work"]), None)
    said = f"{step - floor:.2f} ms beside {floor:.2f} ms of products"
    if optimizer:
        n = sum((a + 1) * b for a, b in pairwise(map(int, re.findall(r"\d+", name.split(",")[0]))))
        moved = 4 * READ[optimizer] * n / 1e6
        return f"{said}, in which {optimizer} moves {moved:.0f} MB at least"
    return said


def reached(aim: Aim, works: dict[str, dict[str, Any]]) -> str:
    """The ratio, and whether it is as aimed at; nothing where it was not measured."""
    work = works.get(aim.work, {"rows": []})
    if aim.against == PEAK:
        if not (share := work.get("convolutions")):
            return ""
        ratio = share["gflops"] / share["peak_gflops"]
        return f"{ratio:.2f}, {'reached' if ratio >= aim.aim else '**missed**'}"
    ms = {row["contender"]: row["ms"] for row in work["rows"] if "ms" in row}
    best = min((t for name, t in ms.items() if name.startswith(aim.against)), default=None)
    if best is None or aim.ours not in ms:
        return ""
    ratio, floor = ms[aim.ours] / best, ms.get(FLOOR, 0.0) / best
    verdict = "reached" if ratio <= aim.aim else f"out of reach ({floor:.2f})" if floor > aim.aim else "**missed**"
    return f"{ratio:.2f}, {verdict}"
