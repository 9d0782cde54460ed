"""Networks as ONNX models."""

from typing import Any

import numpy as np

from ..basics.arguments import one_of
from ..basics.errors import InvalidValue, in_bytes, warn
from ..basics.version import __version__
from ..network import Network
from .forms import operators
from .graph import DOUBLE, FLOAT, TYPES, WHOLE, Graph
from .needed import needed
from .steps import steps_of
from .told import as_texts, told

OPSET, IR = 17, 8  # the first with LayerNormalization, and the format of files that came with it
MOST = 2**31 - 1  # bytes that one file of protobuf may hold
LOST = 1e-3  # of a feature's scale, that float32 may round away


def to_onnx(net: Network, *, seed: int | None = None, inputs: str = FLOAT) -> Any:
    """The network as an onnx.ModelProto, from raw features "input", (n, features), to what `predict` gives for one
    network, "output", (n, outputs): float32, or float64 where targets were scaled, as from `predict`.

    seed     one of the net's; the mean over all of them where None
    inputs   type of the input: "float32", or "float64" for features that float32 doesn't tell apart

    Class names, feature names and the net's words are in metadata_props. Raises InvalidValue for what can't be
    exported, and where the onnx library is missing.
    """
    one_of(inputs, TYPES, "inputs")
    graph = Graph(inputs)
    last = graph.node("Identity", operators(graph, steps_of(net, seed), "input"))
    size = sum(array.nbytes for array in graph.arrays.values())
    if size > MOST:
        raise InvalidValue(
            f"this net has {in_bytes(size)} of numbers, and an ONNX file holds {in_bytes(MOST)}; export one seed of"
            " several, --seed, or to .safetensors"
        )
    with needed("onnx", "onnx"):
        from onnx import TensorProto, helper, numpy_helper
    _tell_of_rounding(net, inputs)
    elements = {FLOAT: TensorProto.FLOAT, DOUBLE: TensorProto.DOUBLE, WHOLE: TensorProto.INT64}
    nodes = []
    for op, names, output, given in graph.nodes:
        attributes: dict[str, Any] = {name: elements[value] if op == "Cast" else value for name, value in given.items()}
        nodes.append(helper.make_node(op, names, ["output" if output == last else output], output, **attributes))
    output = DOUBLE if net.target_scaling else FLOAT
    ends = (("input", inputs, net.sizes.inputs), ("output", output, net.sizes.outputs))
    value, made = (helper.make_tensor_value_info(name, elements[dtype], ["n", units]) for name, dtype, units in ends)
    arrays = [numpy_helper.from_array(array, name) for name, array in graph.arrays.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "gpufa", [value], [made], arrays),
        producer_name="gpufa",
        producer_version=__version__,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
    )
    helper.set_model_props(model, as_texts(told(net, seed)))
    return model


def _tell_of_rounding(net: Network, inputs: str) -> None:
    """Warn of numbers that a model of float32 lacks."""
    if net.dtype != FLOAT:
        warn(f"the net is of {net.dtype}, and ONNX models are of {FLOAT}: weights are rounded to that")
    if net.scaling and inputs == FLOAT:
        lost = abs(net.scaling.shift * net.scaling.factor) * np.finfo(FLOAT).eps / 2
        for j in np.flatnonzero(lost > LOST)[:1]:
            warn(
                f"feature {j} (counted from 0) varies so little beside its size that an input of {FLOAT} rounds away"
                f" {lost[j]:.1g} of its scale; take --inputs {DOUBLE}"
            )
