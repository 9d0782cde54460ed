"""A run's settings, net and data, put together: what it trains on, is judged by and measured on."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..data.samples import Data, has_labels, split
from ..layers.words import inputs
from ..net.arena import Array
from ..network import Network
from .batches import Batches, noisy_labels
from .config import Config

VALIDATION_KEY = 1  # the held-out samples are the same for every seed


class Parts(NamedTuple):
    """x and y of the training samples, of those held out for validation, of the test's and of the probe of alignment;
    the training samples' batches."""

    train: tuple[Array, Array]
    held: tuple[Array, Array]
    test: tuple[Array, Array]
    probe: tuple[Array, Array]
    batches: Batches


def parts_of(data: Data, net: Network, config: Config) -> Parts:
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
    return Parts(
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


def check_fit(config: Config, net: Network, y: NDArray) -> None:
    """Raises InvalidValue where a run's settings don't go together with its net or its training targets."""
    rule, lowered = net.rule, net.backend.slab_dtype(config.dtype) != config.dtype
    if config.residual and lowered:
        raise InvalidValue(f"precision {config.precision!r} can't add skip connections; leave one of them out")
    if config.adversarial and not rule.feedforward:
        raise InvalidValue(
            f"rule {rule.name!r} does not train the feed-forward net whose gradient perturbs the inputs;"
            " leave --adversarial out"
        )
    if config.depth_drop and not config.residual:
        raise InvalidValue("depth_drop drops residual layers, and the net has none; add --residual")
    if lowered and not rule.injects_only:
        raise InvalidValue(
            f"rule {rule.name!r} does arithmetic of its own, which precision {config.precision!r} can't carry;"
            " leave --precision out, or set injects_only = True in a rule that only injects"
        )
    if config.patience and not config.validation:
        raise InvalidValue("patience needs validation samples; add --validation 0.1 (test data never choose anything)")
    if config.label_noise and not has_labels(y):
        raise InvalidValue("label_noise is for labels, but the targets are real-valued; remove --label-noise")
