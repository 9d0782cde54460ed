"""The net that settings and data ask for."""

from typing import Any

from ..backends import get_backend
from ..data.about import CLASSIFICATION, REGRESSION, About
from ..data.samples import Data, check_samples, has_labels
from ..functions.optimizers import optimizer as find_optimizer
from ..functions.parts import off_gpu
from ..network import Network
from ..rules import Rule
from .config import Config
from .sets import blocks_of


def net_for(config: Config, data: Data, rule: Rule) -> Network:
    """A net of so many inputs and outputs as the data have, which knows what they are of. Raises InvalidValue where
    they don't fit together."""
    labels = has_labels(data.y_train)
    outputs = int(data.y_train.max()) + 1 if labels else data.y_train.shape[1]
    net = Network(
        blocks_of(config, data.x_train.shape[1], outputs),
        activation=config.activation,
        loss=config.loss,
        rule=rule,
        init=config.init,
        init_scale=config.init_scale,
        seeds=config.seeds,
        dtype=config.dtype,
        backend=_place(config),
        device=config.device,
        precision=config.precision,
        feedback=config.feedback,
        residual=config.residual,
        parts=config.parts,
    )
    if data.places:
        check_samples((len(data.x_train), *data.places), net.sizes.shapes[0], "x")
    net.about = data.about or About(CLASSIFICATION if labels else REGRESSION)
    return net


def _place(config: Config) -> Any:
    """The backend, which is on the CPU where the optimizer has no text for a GPU."""
    on_cpu = off_gpu([find_optimizer(config.optimizer, config.parts)])
    return get_backend(config.backend, config.device, config.precision, on_cpu) if on_cpu else config.backend
