"""The net that settings and data ask for, and how it takes them."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..backends import Backend, get_backend, own_gpu
from ..basics.errors import InvalidValue, warn
from ..data.graphs.nodes import sentence
from ..data.samples.about import CLASSIFICATION, REGRESSION, About, shortened
from ..data.samples.data import Data, check_samples, has_labels
from ..data.samples.scaling import Scaling
from ..data.samples.splits import members
from ..data.samples.weights import weights_in_words
from ..data.streams.parts import some
from ..data.tables.missing import Filling
from ..data.text.texts import vocabulary_size
from ..functions.optimizers import optimizer as find_optimizer
from ..functions.parts import off_gpu
from ..layers.protocol.sequences import numbered
from ..layers.protocol.terms import Shape
from ..layers.words import inputs
from ..measure.health import Fault, of_another_unit, unfilled, unscaled, unscaled_targets
from ..network import Network
from ..parallel.nccl import connected
from ..parallel.ranks import BY_ITSELF, Together
from ..rules import Rule
from .partnet import PartNetwork
from .sets.images import handed_in, places_of
from .sets.prepared import blocks_of, filling_of, input_scaling, scaling_of
from .settings.config import Config
from .settings.limits import check_run

OVERLAPPING = "blocks overlap, and a GPU that waits for a message by NCCL would do nothing else meanwhile"


class Begun(NamedTuple):
    """A net with its scalings; the shape of an image, channels first, where that is asked for; what was taken of the
    data in a line; what may be wrong with numbers that aren't scaled; and the processes that train it, with how they
    exchange arrays in lines."""

    net: Network
    places: Shape | None
    taken: str
    faults: list[Fault]
    ranks: Together
    exchanging: list[str]


def begin(
    config: Config,
    data: Data,
    rule: Rule,
    scaling: Scaling | None,
    target_scaling: Scaling | None,
    filling: Filling | None,
    ranks: Together = BY_ITSELF,
    place: Backend | None = None,
) -> Begun:
    """The net for these data, on that backend where one is given, with the scalings and the filling that are given, or
    else fitted. Raises InvalidValue where config, data, rule and scalings don't fit together."""
    net = net_for(config, data, rule, ranks, place)
    assert net.about
    taken = net.about.sentence(net.sizes.outputs, net.sizes.inputs, len(data.x_train), len(data.x_test))
    if data.graph is not None:
        taken = f"{net.about.task} of {net.sizes.outputs} classes; {net.sizes.inputs} features; {sentence(data)}"
    if config.class_weights is not None:
        taken += f"; class weights: {weights_in_words(config.class_weights)}"
    if data.stream:
        taken += f"; streamed in blocks of {config.stream_block} samples ({data.stream})"
    if config.blind:
        taken += f"; the test samples are not looked at{', but for their classes' * bool(_untaught(data))}"
    check_run(config, net, data)
    net.filling = filling_of(config.missing, data, filling)
    unsaid = config.layers and not inputs(config.layers[0]) and len(net.sizes.shapes[0]) > 1
    places = places_of(net, data) if config.augment or config.scaling == "channel" or unsaid else None
    if places:
        taken += f"; images {'x'.join(map(str, places))}"
    net.scaling = input_scaling(config, data, net, places, scaling)
    tokens, faults = numbered(net.sizes.shapes[0]), []
    if tokens and tokens.pad is None:
        faults = [unfilled(some(data.x_train), tokens.word)]
    elif not (tokens or net.scaling):
        faults = [unscaled(net.filled(some(data.x_train)))]
    elif net.scaling and not config.blind and (said := of_another_unit(some(data.x_test), net.scaling, pixels=False)):
        faults = [Fault(f"the test samples are {said}")]
    if not has_labels(data.y_train):
        net.target_scaling = scaling_of(config.target_scaling, data.y_train, target_scaling, "target_scaling")
        if config.loss == "squared_error" and not net.target_scaling:
            faults.append(unscaled_targets(data.y_train))
    ranks, exchanging = connected(ranks, net.backend, OVERLAPPING if config.overlap else "")
    net.ranks = ranks.layers
    return Begun(net, places, taken, faults, ranks, exchanging)


def net_for(
    config: Config, data: Data, rule: Rule, ranks: Together = BY_ITSELF, place: Backend | None = None
) -> Network:
    """A net of so many inputs and outputs as the data have, which knows what they are of. Raises InvalidValue where
    they don't fit together."""
    labels, about = has_labels(data.y_train), data.about or About(CLASSIFICATION)
    several, text = about.places or 1, about.tokens is not None
    if about.places == 1:
        raise InvalidValue(
            "the data have a target at each of 1 place, which is a target for each sample; give y without that axis,"
            " and leave --task places out"
        )
    outputs = data.y_train.shape[1] // several if not labels else _classes(data)
    if text or (labels and about.classes):
        outputs = vocabulary_size(about) if text else len(about.classes or ())
    elif untaught := _untaught(data):
        which = f"class{'es' * (len(untaught) > 1)} {shortened(untaught)}"
        warn(f"y_test has the {which}, of which y_train has none: the net has outputs for all, which nothing teaches")
    made = Network if ranks.layers.size == 1 else partial(PartNetwork, ranks=ranks.layers)
    device = own_gpu(config.device, ranks.local) if config.backend != "numpy" else config.device
    net = made(
        blocks_of(config, features := data.x_train.shape[1], outputs, handed_in(data, features), several, text),
        activation=config.activation,
        loss=config.loss,
        rule=rule,
        init=config.init,
        init_scale=config.init_scale,
        seeds=config.seeds,
        dtype=config.dtype,
        backend=place or place_of(config, device),
        device=device,
        precision=config.precision,
        feedback=config.feedback,
        residual=config.residual,
        parts=config.parts,
        graph=data.graph,
    )
    if net.sizes.places != several:
        raise InvalidValue(
            f"the data have a target at {several} place{'s' * (several > 1)}, and the net's outputs are"
            f" {'x'.join(map(str, net.sizes.shapes[-1]))}, at {net.sizes.places}; let the layers leave as many places,"
            " or give other data"
        )
    if data.places:
        check_samples((len(data.x_train), *data.places), net.sizes.shapes[0], "x")
    net.about = data.about or About(CLASSIFICATION if labels else REGRESSION)
    return net


def _classes(data: Data) -> int:
    """How many classes labels have; a token may be one that the test part alone has."""
    return max(int(y.max(initial=0)) for y in (data.y_train, data.y_test)) + 1


def _untaught(data: Data) -> list[str]:
    """The classes of places that the test part alone has."""
    if not has_labels(data.y_train) or data.y_train.ndim == 1:
        return []
    train, test = (members(y[y >= 0], int(data.y_test.max(initial=0)) + 1) for y in (data.y_train, data.y_test))
    return [str(label) for label in np.flatnonzero(test) if not train[label]]


def place_of(config: Config, device: int) -> Any:
    """The backend, which is on the CPU where the optimizer has no text for a GPU."""
    on_cpu = off_gpu([find_optimizer(config.optimizer, config.parts)])
    return get_backend(config.backend, device, config.precision, on_cpu) if on_cpu else config.backend
