"""LIF units by snnTorch and by Norse, as `through_time` has gpufa's: recurrent, an arctangent in place of a spike's
slope, and outputs of the spikes behind the last step."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

DECAY = float(np.exp(-1 / 20))


def trained(
    cell: Callable[[Any, Any], tuple[Any, Any]], parts: list[Any], units: int, x: Any, y: Any, classes: int
) -> Any:
    """A step of Adam through all steps of x, (time, samples, channels), of what goes from an input and a state to
    spikes and the next state."""
    import torch

    last = torch.nn.Linear(units, classes)
    optimizer = torch.optim.Adam([p for part in (*parts, last) for p in part.parameters()])

    def step() -> None:
        optimizer.zero_grad()
        state = None
        for now in x:
            spikes, state = cell(now, state)
        torch.nn.functional.cross_entropy(last(spikes), y).backward()
        optimizer.step()

    return step


def in_snntorch(units: int, channels: int, x: Any, y: Any, classes: int) -> Any:
    import snntorch
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    into, layer = (
        torch.nn.Linear(channels, units),
        snntorch.RLeaky(
            beta=DECAY, linear_features=units, spike_grad=snntorch.surrogate.atan(), reset_mechanism="subtract"
        ),
    )

    def cell(now: Any, state: Any) -> tuple[Any, Any]:
        spikes, potential = layer(into(now), *(state or layer.init_rleaky()))
        return spikes, (spikes, potential)

    return trained(cell, [into, layer], units, x, y, classes)


def in_norse(units: int, channels: int, x: Any, y: Any, classes: int) -> Any:
    import torch
    from norse.torch import LIFParameters, LIFRecurrentCell

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    layer = LIFRecurrentCell(channels, units, p=LIFParameters(method="super"))
    return trained(layer, [layer], units, x, y, classes)
