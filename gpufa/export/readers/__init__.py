"""READERS: modules of PyTorch as layers, those of torch.nn and those that `to_torch` adds to them."""

from collections.abc import Iterable, Iterator

from torch import nn

from ...basics.errors import InvalidValue
from ...functions.activations.smooth import FLAT, STEEP
from ...layers import Act, Flatten, Local2d, Residual, Shortcut
from ...layers.protocol.terms import Shape
from .. import modules as own
from . import kinds
from .row import Read, Reader, numbers, only

__all__ = ["READERS", "Read", "inner", "numbers", "only", "read"]

Named = Iterable[tuple[str, nn.Module]]


def inner(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The modules of a Sequential, and of those in it, in order, each with its name in the state_dict; one that stands
    in several places is there for each of them."""
    for name, one in module.named_modules(remove_duplicate=False):
        if not name or "." in name:
            continue
        if type(one) is nn.Sequential:
            yield from inner(one, f"{path}{name}.")
        else:
            yield path + name, one


def read(named: Named, shape: Shape) -> Read:
    """The layers that modules are, one after the other, above an input of that shape. Raises InvalidValue for one that
    is in no row, by its name."""
    found = Read()
    for name, module in named:
        called = f"module {name}, {type(module).__name__},"
        if type(module) not in READERS:
            raise InvalidValue(
                f"{called} can't be read; gpufa has layers for {', '.join(kind.__name__ for kind in READERS)} of"
                " PyTorch: put those in its place"
            )
        one = READERS[type(module)](module, called, shape)
        if found.layers[-1:] == (Flatten(),) and isinstance(module, nn.Linear):  # dense layers do that themselves
            found = found._replace(layers=found.layers[:-1])
        found = Read(found.layers + one.layers, found.arrays + one.arrays)
        for layer in one.layers:
            shape = layer.out(shape)
    return found


def _scaled_tanh(module: own.ScaledTanh, called: str, shape: Shape) -> Read:
    only(module, called, steep=STEEP, flat=FLAT)
    return Read((Act("scaled_tanh"),))


def _shortcut(module: own.Shortcut, called: str, shape: Shape) -> Read:
    return Read((Shortcut(shape[0] + module.more, stride=module.stride),))


def _local(module: own.Local2d, called: str, shape: Shape) -> Read:
    """Where zeros differ from one side to the other they are those of "same"."""
    left, right, up, down = module.padding
    layer = Local2d(
        len(module.weight),
        module.kernel,
        stride=module.stride,
        pad=(up, left) if (up, left) == (down, right) else "same",
        dilation=module.dilation,
        groups=module.groups,
        bias=module.bias is not None,
    )
    arrays = numbers(module, W="weight", b="bias")
    return Read((layer,), ({name: a.reshape(-1) if name == "b" else a for name, a in arrays.items()},))


def _residual(module: own.Residual, called: str, shape: Shape) -> Read:
    within = called.partition("module ")[2].partition(",")[0]
    inside, shortcut = (read(inner(one, f"{within}.{i}."), shape) for i, one in enumerate(module))
    layer = Residual(inside.layers or (Flatten(),), shortcut.layers or None)
    return Read((layer,), inside.arrays + shortcut.arrays)


READERS: dict[type, Reader] = {
    **kinds.ROWS,
    own.ScaledTanh: _scaled_tanh,
    own.Sign: kinds.act("sign"),
    own.Step: kinds.act("step"),
    own.Shortcut: _shortcut,
    own.Local2d: _local,
    own.Residual: _residual,
}
