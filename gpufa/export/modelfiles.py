"""FORMATS: files of other programs that a net is written into, by their ending."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from ..basics import files
from ..basics.arguments import path_of, readable
from ..basics.errors import FileProblem, InvalidValue
from ..network import Network
from .graph import FLOAT
from .needed import needed
from .onnxmodel import to_onnx
from .told import as_texts
from .torchmodule import MARK, Planned, planned

OTHER = "give another file"


class State(NamedTuple):
    """A state_dict in a file: how it is packed, and how Python beside it reads it, from what is imported so."""

    pack: Callable[[Planned], bytes]
    load: str
    imported: str = ""


def write(net: Network, path: str | Path, seed: int | None = None, inputs: str = FLOAT) -> tuple[Path, ...]:
    """Write the net into a file of the format that its ending says, see FORMATS; the files that were written.

    Beside a state_dict, of .pt and .safetensors, stands the same name with .py: Python that makes its module without
    gpufa. Raises InvalidValue for another ending and for what can't be exported, FileProblem for a file that can't be
    written, and where the .py is there already and is none of gpufa's.
    """
    path = path_of(path)
    if path.suffix not in FORMATS:
        raise InvalidValue(f"{str(path)!r} does not end in a format; give a file that ends in {', '.join(FORMATS)}")
    if path.suffix == ONNX:
        model = to_onnx(net, seed=seed, inputs=inputs)
        files.write(path, model.SerializeToString(), "model", OTHER)
        return (path,)
    if inputs != FLOAT:
        raise InvalidValue(f"inputs = {inputs!r} is for {ONNX}: a PyTorch module takes both; leave --inputs out")
    state, plan, text = STATES[path.suffix], planned(net, seed), path.with_suffix(".py")
    with readable(text, "Python file"):
        if text.exists() and not text.read_bytes().startswith(MARK.encode()):
            raise FileProblem(f"{str(text)!r}, where the module's text goes, is a file of your own; {OTHER}")
    files.write(path, state.pack(plan), "model", OTHER)
    files.write(text, plan.text(path.name, state.load, state.imported), "module's text", OTHER)
    return path, text


def _torch(plan: Planned) -> bytes:
    with needed("PyTorch", "torch"):
        import torch
    out = io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in plan.arrays.items()}, out)
    return out.getvalue()


def _safetensors(plan: Planned) -> bytes:
    with needed("safetensors", "onnx"):
        from safetensors.numpy import save
    packed: bytes = save(plan.arrays, as_texts(plan.told))
    return packed


ONNX = ".onnx"
STATES: Mapping[str, State] = {
    ".safetensors": State(_safetensors, "load_file(file)", "from safetensors.torch import load_file\n"),
    ".pt": State(_torch, "torch.load(file, weights_only=True)"),
}
FORMATS = ONNX, *STATES
