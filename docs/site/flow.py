"""A drawing of a rule's signal flow, as SVG, from what the rule says of itself.

Its arrays are told apart by their shapes, as no two layers of the net that is drawn are equally wide: a matrix of
n_1 x n_3 takes a signal from layer 3 to layer 1, one shaped as W_3 stands for its transpose. What `crosses` says
besides is in PHRASES.
"""

import re
from dataclasses import dataclass

import gpufa
from gpufa.net.shape.layout import Layout
from gpufa.rules import Rule

WIDTHS = 5, 7, 11, 13, 3
SIGNAL = 99  # the place of e or y, right of the output
FIXED, LEARNT, BARE = "fixed", "learnt", "bare"
TOLD = {
    FIXED: "dashed arrows are matrices that the optimizer does not train",
    LEARNT: "thick arrows are matrices that the optimizer trains",
    BARE: "thin arrows need no matrix of the rule's own",
}
HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"'
    ' markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
)
STEP, WIDE, HIGH, MIDDLE, LEFT = 128, 76, 40, 84, 14
APART = 16  # from the middle of a layer, where an arrow ends on one side of the name of its matrix, and another begins


@dataclass(frozen=True)
class Arrow:
    """From a layer's place to another's, 0 being the input's."""

    source: int
    target: int
    name: str
    kind: str


def down(sizes: Layout) -> list[tuple[int, int]]:
    """From each layer to the one below, the first of them from the error."""
    return [(SIGNAL if k + 1 == sizes.L else k + 1, k) for k in sizes.hidden]


# What a rule's `crosses` has in it, and the arrows that this means: (from, to) of a net, and what stands at them.
PHRASES = (
    (r"activity, up", lambda sizes: [(k + 1, k) for k in sizes.hidden], "Wᵀ"),
    (r"W_\{k\+1\}\^T", down, "Wᵀ"),
    (r"W_L\^T", lambda sizes: [(SIGNAL, sizes.L - 1)], "Wᵀ"),
    (r"delta_\{k\+1\}", down, "δ"),
    (r"delta_\{k-1\}", lambda sizes: [(k, k + 1) for k in list(sizes.hidden)[:-1]], "δ"),
    (r"to every layer", lambda sizes: [(SIGNAL, k) for k in sizes.hidden], ""),
    (r"on the input", lambda sizes: [(SIGNAL, 0)], ""),
)


def drawn(rule: Rule) -> Layout:
    """A net of three hidden layers, or of one where the rule takes no more, with units that it takes."""
    for widths in (WIDTHS, (*WIDTHS[:2], WIDTHS[-1])):
        for unit in ("tanh", "logistic"):
            try:
                return gpufa.Network(widths, activation=unit, rule=rule, backend="numpy").sizes
            except gpufa.InvalidValue:
                continue
    raise ValueError(f"{rule.name} takes no plain net")


def arrows(rule: Rule, sizes: Layout) -> list[Arrow]:
    """The ways of signals, other than forward through the weights."""
    fixed = {name: (one.rows, one.columns) for name, one in rule.fixed(sizes).items()}
    learnt = {name: tuple(one.shape) for name, one in rule.parameters(sizes).items()}
    kinds = {**dict.fromkeys(fixed, FIXED), **dict.fromkeys(learnt, LEARNT)}
    made: dict[tuple[int, int], Arrow] = {}
    for name, shape in (fixed | learnt).items():
        ends = sorted({sizes.units.index(n) for n in shape if n in sizes.units})
        if len(shape) == len(ends) == 2:
            source = SIGNAL if ends[1] == sizes.L else ends[1]
            made[source, ends[0]] = Arrow(source, ends[0], name, kinds[name])
    for phrase, pairs, name in PHRASES:
        if re.search(phrase, rule.crosses):
            reached = {target for _, target in made}
            made |= {ends: Arrow(*ends, name, BARE) for ends in pairs(sizes) if ends[1] not in reached}
    return list(made.values())


def legend(rule: Rule) -> str:
    """What the kinds of arrows are that a rule's drawing has."""
    sizes = drawn(rule)
    kinds = {arrow.kind for arrow in arrows(rule, sizes)}
    told = [text for kind, text in TOLD.items() if kind in kinds] or ["nothing goes from layer to layer but activity"]
    frozen = len(set(rule.trained(sizes))) < sizes.L
    return "; ".join(told + ["dotted weights are not the optimizer's to train"] * frozen)


def svg(rule: Rule) -> str:
    """The drawing: layers from left to right, W_k above between them, what comes back below."""
    sizes, trained = drawn(rule), set(rule.trained(drawn(rule)))
    ways = arrows(rule, sizes)
    signal = "y" if "update" in rule.frees else "e"
    spots = {k: LEFT + WIDE / 2 + STEP * k for k in range(sizes.L + 1)} | {
        SIGNAL: LEFT + WIDE / 2 + STEP * (sizes.L + 1)
    }
    names = {0: "x", **{k: f"h{sub(k)}" for k in sizes.hidden}, sizes.L: "ŷ", SIGNAL: signal}
    shown = {k: name for k, name in names.items() if k != SIGNAL or any(way.source == SIGNAL for way in ways)}
    parts = [box(spots[k], name, "signal" if k == SIGNAL else "layer") for k, name in shown.items()]
    for k in sizes.every:
        kind = "forward" if k in trained else "forward frozen"
        parts.append(straight(spots[k - 1], spots[k], f"W{sub(k)}", kind))
    if SIGNAL in shown and signal == "e":
        parts.append(straight(spots[sizes.L], spots[SIGNAL], "", "forward"))
    parts += [arc(spots[way.source], spots[way.target], way) for way in ways]
    deepest = max((depth(spots[way.source], spots[way.target]) for way in ways), default=0)
    width, height = max(spots[k] for k in shown) + WIDE / 2 + LEFT, MIDDLE + HIGH + 0.8 * deepest + 12
    return (
        f'<figure class="flow"><svg viewBox="0 0 {width:.0f} {height:.0f}" style="max-width: {width:.0f}px" role="img"'
        f' aria-label="signal flow of {rule.name}">{HEAD}{"".join(parts)}</svg></figure>'
    )


def box(x: float, name: str, kind: str) -> str:
    left, top = x - WIDE / 2, MIDDLE - HIGH / 2
    return f'<rect class="{kind}" x="{left}" y="{top}" width="{WIDE}" height="{HIGH}" rx="6"/>' + words(
        x, MIDDLE + 5, name
    )


def straight(left: float, right: float, name: str, kind: str) -> str:
    line = f'<path class="{kind}" d="M{left + WIDE / 2} {MIDDLE} H{right - WIDE / 2 - 1}"/>'
    return line + words((left + right) / 2, MIDDLE - 8, name)


def depth(source: float, target: float) -> float:
    return 36 + 22 * abs(source - target) / STEP


def arc(source: float, target: float, way: Arrow) -> str:
    """Below the layers where a signal goes down, above where it goes up."""
    side = 1 if source > target else -1
    start, deep = MIDDLE + side * HIGH / 2, side * depth(source, target)
    left, right = source - side * APART, target + side * APART
    bend = f"C{left} {start + deep} {right} {start + deep} {right} {start + side}"
    path = f'<path class="{way.kind}" d="M{left} {start} {bend}"/>'
    name = re.sub(r"^([A-Za-z]+)(\d+).*", lambda found: found[1] + sub(int(found[2])), way.name)
    return path + words(target, start + side * 14 + 5, name)


def words(x: float, y: float, text: str) -> str:
    return f'<text x="{x}" y="{y}">{text}</text>' if text else ""


def sub(k: int) -> str:
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(k))
