"""The CUDA C of every kernel: a .cu file with the formulas' own text put in, for NVRTC, nvcc or a C++ compiler alike.

A kernel's parameters are arrays (T*, S*, U*, ...), i64, int, unsigned or double.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from ...basics.laws import LAWS
from ...basics.random import Purpose
from ...functions.activations import Activation
from ...functions.augmentations import Chosen
from ...functions.formulas import Formula
from ...functions.losses import Loss
from ...functions.optimizers import Optimizer

TYPES = {"float32": "float", "float64": "double", "bfloat16": "bf16", "uint8": "unsigned char", "int64": "i64"}


class Kernel(NamedTuple):
    """A kernel of a source; `parameters` are its C types in order, such as "const T*"."""

    name: str
    source: str
    parameters: tuple[str, ...]
    types: tuple[tuple[str, str], ...]

    def array_type(self, parameter: str) -> str | None:
        """The element type that a pointer parameter stands for, such as "float"; None for a scalar."""
        if not parameter.endswith("*"):
            return None
        element = parameter.removeprefix("const ").removesuffix("*").strip()
        return dict(self.types).get(element, element)


@cache
def kernel(file: str, name: str, dtype: str = "float32", slab: str | None = None, V: int = 1, **defines: str) -> Kernel:
    """The kernel `name` of `file`.cu for parameters of `dtype` and slabs of `slab`, V elements an access."""
    types = {"T": TYPES[dtype], "S": TYPES[slab or dtype]}
    types |= {key: defines.pop(key) for key in "UYO" if key in defines}
    lines = [f"#define {key} {' '.join(str(text).split())}" for key, text in {"V": V, **types, **defines}.items()]
    # bf16 is defined by the text itself, so the types are named behind nothing but their macros.
    source = "\n".join([*lines, included(f"{file}.cu")])
    found = re.search(rf'extern "C" __global__ void {name}\((.*?)\)', source, re.S)
    assert found, f"{file}.cu has no kernel {name}"
    parameters = tuple(re.sub(r"\s*\w+$", "", part.strip()) for part in found[1].split(","))
    return Kernel(name, source, parameters, tuple(types.items()))


@cache
def included(name: str) -> str:
    """A file's text with the files that it includes put in their places."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return re.sub(r'#include "(.*?)"', lambda found: included(found[1]), text)


def activation_text(activation: Activation) -> dict[str, str]:
    """The defines of `bias_activation`."""
    return {"ACTIVATION": activation.cuda, "KEEP": "1" if activation.of == "a" else "0"}


def derivative_text(activation: Activation | None) -> dict[str, str]:
    """The defines of `gate` and `feedback_delta`: f' in z, which is h or a."""
    if activation is None:
        return {"DERIVATIVE": "g = 1;", "Z": "h"}
    return {"DERIVATIVE": activation.cuda_derivative, "Z": activation.of}


def loss_text(loss: Loss) -> dict[str, str]:
    """The defines of `output_error`."""
    return {"OUTPUT": loss.cuda_output, "VALUE": loss.cuda_value, "NORMALISED": "1" if loss.normalised else "0"}


def update_text(optimizer: Optimizer) -> dict[str, str]:
    """The defines of `optimizer_update`: its states under their own names."""
    names = zip(("first", "second"), optimizer.states, strict=False)
    states = "".join(f"T& {state} = {variable}; " for variable, state in names)
    return {"UPDATE": states + optimizer.cuda, "STATES": str(len(optimizer.states))}


def formula_text(formula: Formula) -> dict[str, str]:
    """The defines of `formula`."""
    kinds = ("T&" if i < formula.written else "const T" for i in range(len(formula.arrays.split())))
    arrays = "".join(
        f"{kind} {name} = AT({i}); " for i, (kind, name) in enumerate(zip(kinds, formula.arrays.split(), strict=True))
    )
    numbers = "".join(f"const T {name} = p{i}; " for i, name in enumerate(formula.numbers.split()))
    return {"ARGUMENTS": arrays + numbers, "FORMULA": formula.cuda}


def moves_text(chosen: Sequence[Chosen]) -> dict[str, str]:
    """The defines of `load_samples` that change images; the last change is where a place is looked for first."""
    inside = "seen = seen && i >= 0 && i < height && j >= 0 && j < width;"
    moves = [
        f"{{ const uint4 w = philox(sample, {stream}, step, {int(Purpose.AUGMENT)}, seed); const i64 n = {one.n};"
        f" {one.row.cuda} {inside} }}"
        for stream, one in enumerate(chosen)
    ]
    return {"MOVES": " ".join(reversed(moves))}


def law_text(law: str) -> dict[str, str]:
    """The defines that turn Philox words into numbers."""
    return {"LAW": LAWS[law].cuda, "PURPOSE": str(int(Purpose.FEEDBACK))}
