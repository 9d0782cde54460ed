"""What a network is given, looked at: each of these raises InvalidValue for what it can't be."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..basics.arguments import several
from ..basics.errors import InvalidValue
from ..basics.random import check_seed
from ..data.samples import REAL, real_numbers
from ..functions.activations import Activation
from ..functions.activations import activation as find_activation
from .layout import Sizes
from .model import Model
from .rule import Rule


def replica_seeds(seeds: Any) -> tuple[int, ...]:
    """The seeds of the replicas, one for each."""
    found = tuple(check_seed(seed) for seed in several(seeds, "seeds", "[0, 1, 2]"))
    if not found:
        raise InvalidValue("seeds is empty; give at least one, such as --seeds 0 1 2")
    if len(set(found)) < len(found):
        raise InvalidValue(f"seeds {list(found)} repeat one; replicas of one seed are the same network: give each once")
    return found


def hidden_activations(names: str | Sequence[str], sizes: Sizes, rule: Rule) -> list[Activation]:
    """The rows of the hidden layers' activations, from one name for all or one each."""
    hidden = sizes.hidden
    names = [names] * len(hidden) if isinstance(names, str) else list(several(names, "activation", '["tanh", "relu"]'))
    if len(names) == 1:
        names *= len(hidden)
    if len(names) != len(hidden):
        raise InvalidValue(
            f"{len(names)} activations were given for {len(hidden)} hidden layers; give one for all or one for each"
        )
    found = [find_activation(name) for name in names]
    for k, f in zip(hidden, found, strict=True):
        if not f.learns and "derivative" in rule.needs:
            raise InvalidValue(
                f"activation {f.name!r} of hidden layer {k} has derivative zero, so rule {rule.name!r}"
                " would never train it; use rule 'dfa' with --set rule.inject=pre_activation"
            )
    return found


def residual_layers(sizes: Sizes, rule: Rule) -> tuple[int, ...]:
    """The hidden layers with a skip connection: those as wide as the one below."""
    if "plain" in rule.needs:
        raise InvalidValue(f"rule {rule.name!r} goes through the net in a way of its own; leave --residual out")
    found = tuple(k for k in sizes.hidden if k > 1 and sizes[k] == sizes[k - 1])
    if not found:
        raise InvalidValue(
            f"no hidden layer of {list(sizes.units)} is as wide as the one below, so none can have a skip"
            " connection; give --hidden 64 64 64, or leave --residual out"
        )
    return found


def network_input(net: Model, x: Any) -> Any:
    """x on the device, (samples, n_0)."""
    with np.errstate(over="ignore", invalid="ignore"):
        x = net.backend.to_device(_numbers(net, x, "the inputs"), net.dtype)
    if x.ndim != 2 or x.shape[1] != net.sizes.inputs or not len(x):
        raise InvalidValue(
            f"inputs have shape {x.shape}; expected (samples, {net.sizes.inputs}) with at least one sample"
        )
    return x


def _numbers(net: Model, values: Any, name: str) -> Any:
    """The values as an array of real numbers, where they are: on the device or on the host."""
    on_device = isinstance(values, net.backend.xp.ndarray) and values.dtype.kind in REAL
    return values if on_device else real_numbers(values, name)


def network_target(net: Model, y: Any, samples: int) -> Any:
    """y on the device: labels, (samples,), or targets, (samples, n_L)."""
    host, n = net.backend.to_host(_numbers(net, y, "the targets")), net.sizes.outputs
    if n == 1 and host.ndim == 1:
        host = host[:, None]
    if host.dtype.kind in "iub" and host.shape == (samples,):
        if host.size and (host.min() < 0 or host.max() >= n):
            bad = host.min() if host.min() < 0 else host.max()
            raise InvalidValue(f"label {bad} is out of range; a network with {n} outputs takes labels 0 to {n - 1}")
        return net.backend.to_device(host, "int64")
    if host.dtype.kind in "iubf" and host.shape == (samples, n):
        return net.backend.to_device(host, net.dtype)
    raise InvalidValue(
        f"targets have shape {host.shape} and type {host.dtype};"
        f" expected {samples} whole-number labels or ({samples}, {n})"
    )
