"""PyTorch modules as networks, with their weights."""

from collections.abc import Sequence
from typing import Any

from ..network import Network
from .needed import needed


def from_torch(
    module: Any, *, inputs: Sequence[int] | int | None = None, loss: str | None = None, **more: Any
) -> Network:
    """A network of the layers and weights of a torch.nn.Sequential, to be used, or trained on by a rule of gpufa.

    inputs   the shape of one sample: a number of features, (channels, height, width) or (channels, time); where the
             first layer is an nn.Linear, it says so itself
    loss     as of Network; an nn.Softmax or nn.Sigmoid at the end says it itself
    more     what Network takes too: rule, seed or seeds, each of which starts from these weights, backend, ...

    Weights are copied, hooks are not. A block begins at each module that has a matrix or a kernel. What `to_torch`
    makes of one seed is read back with its scaling. Raises InvalidValue for a module that gpufa has no layer for, by
    its name, for options that its layer lacks, where inputs or loss are not known, and where PyTorch is missing.
    """
    with needed("PyTorch", "torch"):
        from .reading import network_of
    return network_of(module, inputs, loss, more)
