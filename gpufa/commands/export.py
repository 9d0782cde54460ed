"""The command that hands a net on to other programs."""

from pathlib import Path

from ..basics.console import say
from ..checkpoints import networks
from ..export import modelfiles
from ..rules import find_rule


def export(
    run: Path,
    file: Path,
    /,
    *,
    seed: int | None = None,
    inputs: str = modelfiles.FLOAT,
    rule: str | None = None,
    parts: tuple[str, ...] = (),
) -> int:
    """Write a trained network as an ONNX model, or for PyTorch: raw features in, what predict gives out.

    gpufa export runs/digits-dfa model.onnx
    gpufa export runs/digits-dfa model.pt --seed 0

    Args:
        run: a run's folder or a checkpoint
        file: ends in .onnx, .safetensors or .pt; beside the last two stands Python that makes the module
        seed: the net of one seed; the mean of all seeds' outputs where not given
        inputs: type of an ONNX model's input, float32 or float64
        rule: path/to/file.py:MyRule, where the run was trained by a rule of your own
        parts: path/to/file.py:NAME of each optimizer, schedule and so on of your own that it was trained with
    """
    net = networks.load(run, "numpy", find_rule(rule) if rule else None, parts=parts)
    written = modelfiles.write(net, file, seed, inputs)
    what = "" if seed is not None or net.single else f": the mean of {len(net.seeds)} seeds' outputs"
    say(f"wrote {' and '.join(map(str, written))}{what}")
    return 0
