"""What a reader is: a module of PyTorch as layers."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray
from torch import nn

from ...basics.errors import InvalidValue
from ...layers import Layer
from ...layers.protocol.terms import Shape


class Read(NamedTuple):
    """Layers, none for what does nothing to units that come in that shape; of each that learns, in the order of `walk`,
    its arrays by its own names."""

    layers: tuple[Layer, ...] = ()
    arrays: tuple[Mapping[str, NDArray], ...] = ()


Reader = Callable[[Any, str, Shape], Read]


def only(module: nn.Module, called: str, **expected: Any) -> None:
    """Raise InvalidValue where an attribute of the module is none of those that gpufa's layer has."""
    for name, known in expected.items():
        value = getattr(module, name)
        if value not in (known if isinstance(known, tuple) else (known,)):
            first = known[0] if isinstance(known, tuple) else known
            raise InvalidValue(f"{called} has {name} = {value!r}, which gpufa's layer has not; make it with {first!r}")


def numbers(module: nn.Module, **names: str) -> dict[str, NDArray]:
    """Its parameters and buffers by our names; what it lacks is left out. Raises InvalidValue where it has parameters
    beside them, of which its weights are made anew in each pass."""
    for name, _ in module.named_parameters(recurse=False):
        if name not in names.values():
            raise InvalidValue(
                f"a {type(module).__name__} of the module has a parameter {name!r}, of which its weights are made in"
                " each pass, as weight norm and pruning do; make them its own first, as"
                " torch.nn.utils.remove_weight_norm and torch.nn.utils.prune.remove do"
            )
    found = {ours: getattr(module, theirs, None) for ours, theirs in names.items()}
    return {ours: t.detach().cpu().double().numpy() for ours, t in found.items() if t is not None}


def simplest(value: Any) -> Any:
    """(3,) as 3: a kernel along one axis."""
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value
