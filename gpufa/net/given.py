"""The samples that a network is given, looked at: raw arrays and tables, put on the device as the training saw them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue, warn
from ..data.handed import samples_of
from ..data.samples.about import shortened
from ..data.samples.data import REAL, check_samples, host_array, real_numbers
from ..data.samples.places import checked_amounts, checked_labels
from ..data.samples.target import judged
from ..data.streams.parts import Made
from ..data.streams.rows import Rows
from ..data.tables.frames import column_of
from .learner import Learner

TARGETS = "the targets"


def network_input(net: Learner, x: Any) -> Any:
    """Raw x on the device, as the training saw it: (samples, n_0), where what is behind the samples may have several
    dimensions, or a table, whose columns are found by name; of Rows what makes that of each part of them that is asked
    for. Raises InvalidValue for others."""
    table = samples_of(x, net.about, net.sizes.inputs)
    return _inputs(net, table[0] if table else x)


def network_samples(net: Learner, x: Any, y: Any) -> tuple[Any, Any]:
    """The same of x, and y as `network_target` has it; where y is None, the table x has it."""
    if table := samples_of(x, net.about, net.sizes.inputs):
        x, y = table[0], table[1] if y is None else y
    if y is None:
        raise InvalidValue("there are no targets to judge by; hand them in as y, or a table that has their column")
    x = _inputs(net, x)
    return x, network_target(net, y, len(x))


def network_target(net: Learner, y: Any, samples: int) -> Any:
    """y on the device as the training saw it: labels, (samples,) or (samples, 1), or targets, (samples, n_L).

    Classes go by their names where these are strings or a column of a table; other whole numbers are those of classes,
    from 0 as Data has them. Raises InvalidValue for what is neither.
    """
    if net.sizes.places > 1:
        return net.backend.to_device(_at_places(net, y, samples))
    host, n = _targets(net, y, samples), net.sizes.outputs
    if host.dtype.kind in "iub" and host.shape == (samples,):
        least = 0 if net.graph is None else -1
        if host.size and (host.min() < least or host.max() >= n):
            bad = host.min() if host.min() < least else host.max()
            raise InvalidValue(
                f"label {bad} is out of range; a network with {n} outputs takes labels 0 to {n - 1}{_by_name(net)}"
            )
        if net.graph is not None and host.max() < 0:
            raise InvalidValue("no node has a label, as y is -1 everywhere; give those of some")
        if net.target_scaling:
            raise InvalidValue(f"these are labels, but the network's targets are scaled; give ({samples}, {n}) of them")
        return net.backend.to_device(host, "int64")
    if net.graph is not None:
        raise InvalidValue(f"y is {host.dtype} of the shape {host.shape}; give a label for each node, -1 for none")
    if host.dtype.kind in "iubf" and host.shape == (samples, n):
        return net.backend.to_device(net.scaled_targets(host))
    raise InvalidValue(
        f"targets have shape {host.shape} and type {host.dtype};"
        f" expected {samples} whole-number labels or ({samples}, {n})"
    )


def _at_places(net: Learner, y: Any, samples: int) -> NDArray:
    """Targets of each place, labels (samples, places), or rows of numbers."""
    y = net.backend.shared(y)
    host = real_numbers(net.backend.to_host(y) if _on_device(net, y) else y, TARGETS)
    n, places = net.sizes.at_place, net.sizes.places
    if host.dtype.kind in "iu" and host.shape == (samples, places) and n > 1:
        return checked_labels(host.astype(np.int64), TARGETS, n)
    if host.dtype.kind == "f" and host.shape[:1] == (samples,) and host.shape[1:] in net.sizes.forms:
        return net.scaled_targets(checked_amounts(host.reshape(samples, n, places), TARGETS))
    raise InvalidValue(
        f"targets have shape {host.shape} and type {host.dtype}; expected whole numbers ({samples}, {places}), -1 where"
        f" a place has none, or floats ({samples}, {n}, {places})"
    )


def _inputs(net: Learner, x: Any) -> Any:
    if isinstance(x, Rows):
        return Made(x, net.scaled_inputs)
    x = net.backend.shared(x)
    x = x if _on_device(net, x) else real_numbers(x, "the inputs")
    check_samples(x.shape, net.sizes.shapes[0], "the input")
    flat = x.reshape(len(x), -1) if x.ndim > 2 and x.size else x
    if flat.ndim != 2 or flat.shape[1] != net.sizes.inputs or not len(flat):
        raise InvalidValue(
            f"inputs have shape {x.shape}; expected (samples, {net.sizes.inputs}) with at least one sample"
        )
    net.check_nodes(len(flat), "the input")
    return net.scaled_inputs(flat)


def _targets(net: Learner, y: Any, samples: int) -> NDArray:
    """Labels (samples,) or targets (samples, n_L) on the host."""
    y = net.backend.shared(y)
    column = column_of(y, TARGETS)
    if column and net.about:
        return judged(column.values, net.about, samples)
    found = net.backend.to_host(y) if _on_device(net, y) else host_array(column.values if column else y, TARGETS)
    if net.about and found.dtype.kind in "USO":
        return _by_names(net, found, samples)
    host: NDArray = real_numbers(found, TARGETS)
    if net.sizes.outputs == 1:
        return host[:, None] if host.ndim == 1 else host
    if host.ndim == 2 and host.shape[1] == 1:
        host = host[:, 0]
    if host.ndim == 1 and host.dtype.kind == "f" and host.size and bool((host == host.round()).all()):
        host = host.astype(np.int64)
    names = set(net.about.classes or ()) if net.about else set()
    if host.ndim == 1 and host.size and host.max() < len(names) and names.issuperset(map(str, set(host.tolist()))):
        warn(f"y is taken as the numbers of classes, not as their names{_by_name(net)}")
    return host


def _by_names(net: Learner, found: NDArray, samples: int) -> NDArray:
    """Labels of classes that go by their names, of a node without one an empty one."""
    named = found != ""
    if net.graph is None or found.shape != (samples,) or named.all():
        return judged(found, net.about, samples)
    made = np.full(samples, -1)
    made[named] = judged(found[named], net.about, int(named.sum()))
    return made


def _by_name(net: Learner) -> str:
    """How classes are called by name, where they have names."""
    if not (net.about and net.about.classes):
        return ""
    return f" ({shortened(net.about.classes)}: these go as strings, or as a column of a table)"


def _on_device(net: Learner, values: Any) -> bool:
    """Whether they are real numbers there already."""
    return isinstance(values, net.backend.xp.ndarray) and values.dtype.kind in REAL
