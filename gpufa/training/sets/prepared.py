"""A run's settings, net and data, put together: what it trains on, is judged by and measured on."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue, room_needed
from ...data.samples.data import Data, has_labels
from ...data.samples.moments import Moments
from ...data.samples.places import without_gaps
from ...data.samples.scaling import NO_MORE, WITHOUT_HELD, Facts, Fit, Scaling, fit_scaling
from ...data.samples.splits import held_out, stretch
from ...data.samples.weights import relative
from ...data.streams.parts import chosen
from ...data.tables.missing import FILLED, Filling, fit_filling
from ...layers.protocol.sequences import numbered
from ...layers.protocol.terms import Shape
from ...layers.words import block, inputs
from ...measure.health import guessing
from ...net.state.arena import Array
from ...network import Network
from ..settings.config import Config
from .batches import Batches, noisy_labels
from .images import augmenting_of
from .nodes import Nodes
from .streaming import batches_of, judged
from .weighing import of_places, weighing

VALIDATION_KEY = 1  # the held-out samples are the same for every seed
ALL, NONE = slice(None), slice(0)
ROOM = "let the samples stay in a file with --stream always, or use fewer of them with --samples"
IMAGE = 3  # channels, height, width


class Sets(NamedTuple):
    """x and y of the training samples, of those held out for validation, of the test's and of the probe of alignment;
    the training samples' batches; and the cross-entropy of guessing them by their shares. Of samples that stay in their
    file x and y are Made of what is read there, but the probe's."""

    train: tuple[Array, Array]
    held: tuple[Array, Array]
    test: tuple[Array, Array]
    probe: tuple[Array, Array]
    batches: Batches
    chance: float


def sets_of(data: Data, net: Network, config: Config, places: Shape | None) -> Sets:
    """Scale, split off the validation part and bring everything to the device; bytes stay bytes until used. `places`
    are those of images, where the samples are some. Raises OutOfMemory where there is no room for that."""
    if data.graph is not None:
        return _linked(data, net, config)
    return _streamed(data, net, config, places) if data.stream else _held(data, net, config, places)


@room_needed(ROOM)
def _linked(data: Data, net: Network, config: Config) -> Sets:
    """Of the nodes of a graph: x are all of them in each part, and y those of the part, -1 for the others."""
    to_device, x = net.backend.to_device, net.as_trained(data.x_train, "x_train")
    placed = net.whitened(to_device(x, net.dtype))

    def part(y: NDArray, seen: bool = True) -> tuple[Array, Array]:
        there = ALL if seen and (y >= 0).any() else NONE
        return placed[there], to_device(y[there], "int64")

    train, (mask, count) = part(data.y_train), net.counted(to_device(data.y_train))
    assert data.y_validation is not None
    return Sets(
        train,
        part(data.y_validation),
        part(data.y_test, not config.blind),
        train,
        Nodes(net.backend, *train, config.seeds, mask, count),
        guessing(data.y_train[data.y_train >= 0]),
    )


@room_needed(ROOM)
def _held(data: Data, net: Network, config: Config, places: Shape | None) -> Sets:
    """Of data in memory."""
    to_device = net.backend.to_device
    bytes_as_they_are = data.x_train.dtype == np.uint8
    x = (net.looked_at if bytes_as_they_are else net.as_trained)(data.x_train, "x_train")
    y = _taught(net, data.y_train, "y_train")
    kept, held = divided(data, config)

    def on_device(x: np.ndarray, y: np.ndarray) -> tuple[Array, Array]:
        placed = to_device(x)
        return placed if x.dtype == np.uint8 else net.whitened(placed), to_device(y)

    train = on_device(x[kept], y[kept])
    labels, taught = y[kept], train[1]
    if config.label_noise:
        labels = noisy_labels(y[kept], config.label_noise, net.sizes.outputs, config.seeds)
        taught = to_device(labels)
    weighed = weighing(config, net, labels, None if data.weights is None else data.weights[kept])
    counting = relative(weighed.some(0, weighed.n)) if weighed else None
    if net.sizes.places > 1:
        counting = of_places(counting, y[kept], len(config.seeds), net.sizes.places)
        taught = without_gaps(net.backend.xp, taught)
    weights = None if counting is None else to_device(counting, net.dtype)
    augmenting = augmenting_of(config.augment, places, config.seeds)
    raw, as_it_came = train[0], x.dtype == np.uint8 or augmenting is not None
    if augmenting and net.scaling and x.dtype != np.uint8:  # changed as they came, and scaled then
        raw = to_device(net.unscaled(data.x_train[kept], "x_train"))
    scaling, matrix = (net.device_scaling, net.device_matrix) if as_it_came else (None, None)
    if matrix is not None and net.backend.slab_dtype(config.dtype) != config.dtype:
        raise InvalidValue(
            f"scaling 'zca' of {'augmented samples' if augmenting else 'bytes'} is done in each step, which precision"
            f" {config.precision!r} has not the digits for; leave --precision out"
        )
    size, noise = config.batch_size or 1, config.input_noise
    spread = np.linspace(0, len(x[kept]) - 1, min(config.probe_samples, len(x[kept]))).astype(int)
    probe, y_probe = on_device(net.as_trained(data.x_train[kept][spread], "x_train"), y[kept][spread])
    x_test, y_test = x[NONE], y[NONE]
    if len(data.x_test) and not config.blind:
        x_test, y_test = net.as_trained(data.x_test, "x_test"), _taught(net, data.y_test, "y_test")
    return Sets(
        train,
        on_device(x[held], y[held]),
        on_device(x_test, y_test),
        (net.as_floats(probe), y_probe),
        Batches(
            *(net.backend, raw, taught, config.seeds, size, noise, scaling, weights, matrix, augmenting),
            places=net.sizes.places,
        ),
        guessing(y[kept]),
    )


def _streamed(data: Data, net: Network, config: Config, places: Shape | None) -> Sets:
    """Of data that stay in their file."""
    y, (kept, held) = _taught(net, data.y_train, "y_train"), divided(data, config)
    x, taught = chosen(data.x_train, kept), y[kept]
    spread = np.linspace(0, len(x) - 1, min(config.probe_samples, len(x))).astype(int)
    probe = net.as_floats(net.backend.to_device(net.as_trained(x[spread], "x_train")))
    own = None if data.weights is None else data.weights[kept]
    looked_at = NONE if config.blind else ALL
    x_test, y_test = chosen(data.x_test, looked_at), data.y_test[looked_at]
    y_test = _taught(net, y_test, "y_test") if len(x_test) else y[NONE]
    return Sets(
        judged(x, taught, net, raw=True),
        judged(chosen(data.x_train, held), y[held], net, raw=True),
        judged(x_test, y_test, net, raw=False),
        (probe, net.backend.to_device(taught[spread], "int64" if has_labels(y) else None)),
        batches_of(x, taught, net, config, places, own),
        guessing(taught),
    )


def _taught(net: Network, y: NDArray, name: str) -> NDArray:
    """Labels as they are, real targets as the training sees them."""
    return y if has_labels(y) else net.scaled_targets(y, name)


def divided(data: Data, config: Config) -> tuple[Any, Any]:
    """Which of the training samples are trained on, and which are held out for validation."""
    if not config.validation:
        return ALL, NONE
    if data.about and data.about.tokens:
        last = len(data.y_train) - stretch(len(data.y_train), config.validation)
        return slice(last), slice(last, None)
    held = held_out(data.y_train, config.validation, VALIDATION_KEY)
    return ~held, held


@room_needed(ROOM)
def input_scaling(
    config: Config, data: Data, net: Network, places: Shape | None, begun: Scaling | None
) -> Scaling | None:
    """The scaling of a run's inputs, as `scaling_of`, fitted to those that the net's filling has filled in."""
    x, name = net.filled(data.x_train), config.scaling
    rows = begun.rows is not None if begun else name == "rows"
    if rows and (x.dtype == np.uint8 or config.augment):
        raise InvalidValue(
            "scaling 'rows' divides each sample by its sum before training, and bytes and augmented images are scaled"
            " as they are used; take --scaling unit, or give the samples as floats and leave --augment out"
        )
    if name in WITHOUT_HELD:
        x = chosen(x, divided(data, config)[0])
    if data.stream and name != "none":
        x = Moments(x.pieces())
    return scaling_of(name, x, begun, by=Fit(places, config.zca_eps or 0.0, config.dtype))


def filling_of(name: str | None, data: Data, begun: Filling | None) -> Filling | None:
    """What missing values are filled in with, fitted to the training samples; in a resumed run what it was."""
    names = data.about.features if data.about else None
    return begun or (fit_filling(name, data.x_train, names) if name in FILLED else None)


def scaling_of(
    name: str, values: NDArray | Facts, begun: Scaling | None, what: str = "scaling", by: Fit = NO_MORE
) -> Scaling | None:
    """The scaling of that name, fitted to the training samples; where the weights began with one, that one.

    Raises InvalidValue where the two differ; `what` is the setting.
    """
    if begun is None:
        return fit_scaling(name, values, by) if name != "none" else None
    if len(begun.shift) != values.shape[1]:
        raise InvalidValue(
            f"the weights to start from have a {what} of {len(begun.shift)} values a sample, but the data have"
            f" {values.shape[1]}; start from a run of the same net"
        )
    if name != "none" and not fit_scaling(name, values, by).close_to(begun):
        raise InvalidValue(
            f"the weights to start from are made for another {what} than {name!r} of these data; leave"
            f" --{what.replace('_', '-')} out, and theirs is taken"
        )
    return begun


def blocks_of(
    config: Config, features: int, outputs: int, places: Shape | None, several: int = 1, text: bool = False
) -> list[Any]:
    """The net of these settings and data, whose samples have these places, and targets at `several`, or are `text`.
    Raises InvalidValue where the settings say another number of inputs. Layers at the end that go along edges
    and learn nothing stand in front of the outputs."""
    if config.layers is None:
        if several > 1:
            such = "'embed 64, positions, residual(layer norm, attention 4 causal)'" if text else "'conv1d 16 5 relu'"
            raise InvalidValue(
                f"the data have a target at each of {several} places, and --hidden makes nets with one for a sample;"
                f" say with --layers what the net is, such as {such}"
            )
        return [features, *(config.hidden or ()), outputs]
    words, behind = list(config.layers), ""
    if words and not inputs(words[-1]) and all(layer.joins for layer in block(words[-1], config.parts).layers):
        behind = words.pop()
    said = inputs(words[0]) if words else None
    if said and math.prod(said) != features:
        raise InvalidValue(f"layers begin with {words[0]!r}, but the data have {features} features; mend --layers")
    shape = "x".join(map(str, places if places and len(places) == IMAGE else (features,)))
    of_tokens = numbered(said) if said else None
    if text and said and (of_tokens is None or of_tokens.of != outputs):
        raise InvalidValue(
            f"layers begin with {words[0]!r}, but the text has {outputs} different tokens; leave that out, or say"
            f" 'tokens {features} of {outputs}'"
        )
    last = f"conv1d {outputs} 1" if several > 1 and not (text or of_tokens) else f"dense {outputs}"
    if behind:
        last = f"{behind}, {last}"
    return [*([] if said else [f"tokens {features} of {outputs}" if text else f"input {shape}"]), *words, last]
