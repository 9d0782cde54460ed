"""An ONNX graph as it is written down: nodes and arrays, before the onnx library makes a file of them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FLOAT, DOUBLE = TYPES = "float32", "float64"
WHOLE = "int64"
FEW = 64  # elements of an array that is written once, wherever it stands


class Node(NamedTuple):
    """An operator with the names of what goes in and comes out."""

    op: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]


class Graph:
    """Nodes in order, and arrays by name; `inputs` is the type of what comes in, `dtype` that of all numbers behind."""

    def __init__(self, inputs: str, dtype: str = FLOAT) -> None:
        self.inputs, self.dtype = inputs, dtype
        self.nodes: list[Node] = []
        self.arrays: dict[str, NDArray] = {}
        self._known: dict[tuple, str] = {}

    def node(self, op: str, *inputs: Any, **attributes: Any) -> str:
        """Add an operator; inputs are names, or arrays, which are kept beside. The name of what it makes."""
        names = tuple(one if isinstance(one, str) else self.array(one) for one in inputs)
        output = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(Node(op, names, output, attributes))
        return output

    def array(self, value: Any) -> str:
        """Keep an array as it is; its name."""
        array, name = np.asarray(value, order="C"), f"array_{len(self.arrays)}"
        if array.size <= FEW:
            name = self._known.setdefault((array.dtype.str, array.shape, array.tobytes()), name)
        self.arrays[name] = array
        return name

    def as_type(self, x: str, dtype: str) -> str:
        """The same numbers in another type."""
        return self.node("Cast", x, to=dtype)

    def floats(self, value: Any) -> str:
        """Keep an array in the graph's own type."""
        return self.array(np.asarray(value, self.dtype))
