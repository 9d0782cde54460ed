"""A run's settings, net and data, put together: what it trains on, is judged by and measured on."""

from typing import Any, NamedTuple

import numpy as np

from ..basics.errors import InvalidValue
from ..data.samples import Data, has_labels, split
from ..layers.words import inputs
from ..net.arena import Array
from ..network import Network
from .batches import Batches, noisy_labels
from .config import Config

VALIDATION_KEY = 1  # the held-out samples are the same for every seed


class Sets(NamedTuple):
    """x and y of the training samples, of those held out for validation, of the test's and of the probe of alignment;
    the training samples' batches."""

    train: tuple[Array, Array]
    held: tuple[Array, Array]
    test: tuple[Array, Array]
    probe: tuple[Array, Array]
    batches: Batches


def sets_of(data: Data, net: Network, config: Config) -> Sets:
    """Scale, split off the validation part and bring everything to the device; bytes stay bytes until used."""
    y, to_device = data.y_train, net.backend.to_device
    x = data.x_train if data.x_train.dtype == np.uint8 else net.scaled(data.x_train)
    kept, held = split(y, config.validation, VALIDATION_KEY) if config.validation else (slice(None), slice(0))

    def on_device(x: np.ndarray, y: np.ndarray) -> tuple[Array, Array]:
        dtypes = (None if kept_as_is else config.dtype for kept_as_is in (x.dtype == np.uint8, has_labels(y)))
        x_device, y_device = map(to_device, (x, y), dtypes)
        return x_device, y_device

    train = on_device(x[kept], y[kept])
    taught = train[1]
    if config.label_noise:
        taught = to_device(noisy_labels(y[kept], config.label_noise, net.sizes.outputs, config.seeds))
    scaling = net.device_scaling if x.dtype == np.uint8 else None
    size, noise = config.batch_size or 1, config.input_noise
    spread = np.linspace(0, len(x[kept]) - 1, min(config.probe_samples, len(x[kept]))).astype(int)
    return Sets(
        train,
        on_device(x[held], y[held]),
        on_device(net.scaled(data.x_test), data.y_test),
        on_device(net.scaled(data.x_train[kept][spread]), y[kept][spread]),
        Batches(net.backend, train[0], taught, config.seeds, size, noise, scaling),
    )


def blocks_of(config: Config, features: int, outputs: int) -> list[Any]:
    """The net of these settings and data. Raises InvalidValue where the settings say another number of inputs."""
    if config.layers is None:
        return [features, *(config.hidden or ()), outputs]
    words = list(config.layers)
    said = inputs(words[0]) if words else None
    if said not in (None, features):
        raise InvalidValue(f"layers begin with {words[0]!r}, but the data have {features} features; mend --layers")
    return [f"input {features}", *words[1 if said else 0 :], f"dense {outputs}"]
