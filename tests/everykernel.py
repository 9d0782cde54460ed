"""Every kernel that gpufa can launch, by a name: for each formula of the tables and each type of number."""

from gpufa.backends.kernels import (
    TYPES,
    activation_text,
    derivative_text,
    formula_text,
    kernel,
    law_text,
    loss_text,
    moves_text,
    update_text,
)
from gpufa.backends.operations.dynamics import DESCEND, INFER, SETTLE
from gpufa.backends.operations.sums import TESTS
from gpufa.basics.laws import LAWS
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.augmentations import augmentations
from gpufa.functions.cells import GRU, LSTM, TRACE, leaky
from gpufa.functions.formulas import FORMULAS
from gpufa.functions.losses import LOSSES
from gpufa.functions.optimizers import OPTIMIZERS

WIDTHS = {"float32": 4, "float64": 2, "bfloat16": 8}
FEEDBACK = {"ROWS": "16", "INNER": "10"}


def every_kernel(dtype, slab=None, V=None):
    """{name: Kernel} for parameters of `dtype`, slabs of `slab`, and V elements an access."""
    wide = {"dtype": dtype, "slab": slab, "V": V or WIDTHS[slab or dtype]}
    narrow, plain = wide | {"V": 1}, {"dtype": dtype, "V": V or WIDTHS[dtype]}
    found, wanted = {}, TYPES[slab or dtype]
    for name, f in ACTIVATIONS.items():
        found[f"bias_activation {name}"] = kernel("layer", "bias_activation", **wide, **activation_text(f))
        found[f"gate {name}"] = kernel("gate", "gate", **wide, **derivative_text(f))
        text = derivative_text(f) | FEEDBACK
        found[f"feedback_delta {name}"] = kernel("feedback", "feedback_delta", **wide, **text, KEYED="0")
        relax = kernel("relax", "relax", **plain, **activation_text(f), **derivative_text(f), MOVE=DESCEND)
        found[f"relax {name}"] = relax
    for name, move in {"settle": SETTLE, "infer": INFER}.items():
        text = activation_text(ACTIVATIONS["tanh"]) | derivative_text(ACTIVATIONS["tanh"]) | {"MOVE": move}
        found[f"relax {name}"] = kernel("relax", "relax", **plain, **text)
    found["drive"] = kernel("elementwise", "drive", **plain)
    cells = (one for steps in (GRU, LSTM, leaky(ACTIVATIONS["tanh"])) for one in steps)
    for name, formula in {**FORMULAS, **{one.name: one for one in (*cells, TRACE)}}.items():
        found[f"formula {name}"] = kernel("formula", "formula", **narrow, **formula_text(formula))
    for first in "01":
        found[f"normalise {first}"] = kernel("normalise", "normalise", **narrow, UNITS_FIRST=first)
    found["gate without derivative"] = kernel("gate", "gate", **wide, **derivative_text(None))
    text = derivative_text(None) | FEEDBACK
    found["feedback_delta without derivative"] = kernel("feedback", "feedback_delta", **wide, **text, KEYED="0")
    for name in LAWS:
        text = derivative_text(ACTIVATIONS["tanh"]) | FEEDBACK | law_text(name)
        found[f"feedback_delta {name}"] = kernel("feedback", "feedback_delta", **wide, **text, KEYED="1")
        for random in ("fill", "keyed_rows"):
            found[f"{random} {name}"] = kernel("random", random, **narrow, **law_text(name))
    for random in ("dropout", "shuffle_keys"):
        found[random] = kernel("random", random, **narrow, **law_text("uniform"))
    for name, loss in LOSSES.items():
        for labels, kind in (("0", wanted), ("1", "i64")):
            text = loss_text(loss) | {"LABELS": labels, "O": kind}
            found[f"output_error {name} {kind}"] = kernel("output", "output_error", **narrow, **text)
    for name in ("row_sums", "long_row_sums", "square_sums", "clip_factors"):
        found[name] = kernel("sums", name, **(wide if "row_sums" in name else narrow), THREADS="256")
    for name in ("dots", "dot"):
        found[name] = kernel("dots", name, dtype, THREADS="256")
    for name, test in TESTS.items():
        found[f"every {name}"] = kernel("every", "every", dtype, TEST=test.cuda)
    for name in ("row_norm_sums", "norm_up", "norm_down"):
        found[name] = kernel("norms", name, **plain, THREADS="256")
    for name in ("column_norm_sums", "follow"):
        found[name] = kernel("norms", name, **narrow, THREADS="256")
    for name in ("look_up", "link_tokens", "add_look_ups", "turn", "soften", "soften_back"):
        found[name] = kernel("sequences", name, **narrow)
    for name in ("columns", "add_columns", "sum_windows", "max_windows", "max_places"):
        found[name] = kernel("maps", name, **plain)
    found["neighbours"] = kernel("edges", "neighbours", dtype)
    for source, most in (("float", 4), ("double", 2), ("unsigned char", 8)):
        given = wide | {"V": min(wide["V"], most)}
        for taught in ("i64", TYPES[dtype]):
            of_places = {"U": source, "Y": taught, "O": wanted, "PLACES": "48"}
            found[f"load {source} {taught} of places"] = kernel("batch", "load_samples", **narrow, **of_places)
            found[f"load {source} {taught}"] = kernel(
                "batch", "load_samples", **given, U=source, Y=taught, O=wanted, PLACES="1"
            )
        moves = moves_text(augmentations("flip, crop 4"))
        found[f"load changed {source}"] = kernel(
            "batch", "load_samples", **narrow, U=source, Y="i64", O=wanted, PLACES="1", **moves
        )
        stays = {"U": source, "Y": "i64", "O": "i64", "PLACES": "48"}
        found[f"load {source} labels"] = kernel("batch", "load_samples", **given, **stays)
    for name in ("perturb", "lower"):
        found[name] = kernel("elementwise", name, **wide | {"V": plain["V"]})
    for taught in ("i64", TYPES[dtype]):
        found[f"targets {taught}"] = kernel("batch", "targets", **narrow, U="float", Y=taught, O=wanted, PLACES="1")
    found["targets as labels"] = kernel("batch", "targets", U="float", Y="i64", O="i64", PLACES="48")
    found["tick"] = kernel("batch", "tick", **narrow, U="float", Y="i64", O=wanted, PLACES="1")
    for name, row in OPTIMIZERS.items():
        found[f"optimizer_update {name}"] = kernel("optimizer", "optimizer_update", **plain, **update_text(row))
    return found
