"""A run's sets where its samples stay in their file: what training, evaluation and measuring read of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue
from ...data.samples.data import Data, has_labels
from ...data.streams.parts import Made
from ...data.streams.rows import Rows
from ...network import Network
from ...parallel.ranks import Ranks
from ...rules import Rule
from ..settings.config import Config
from .batches import noisy_labels
from .images import augmenting_of
from .weighing import Weighing, weighing
from .windows import BLOCK, WINDOW, Plan, Streamed, Windows

Shape = tuple[int, ...]
PART = "a part of {}"
LEAST = 256  # bytes


def streaming(config: Config, data: Data, rule: Rule, ranks: Ranks) -> Config:
    """The settings with what was decided of the data, so that a resumed run reads them alike. Raises InvalidValue where
    they stay in their file, and the run needs all samples at once, or not all processes have decided so."""
    if ranks.any(bool(data.stream)) != bool(data.stream):
        raise InvalidValue(
            "memory holds the data in some of the processes, and not in others, which would train in another order;"
            " add --stream always"
        )
    if not data.stream:
        return config
    if "samples" in rule.needs:
        raise InvalidValue(
            f"rule {rule.name!r} looks at all training samples at once, and these stay in their file; take another"
            " --rule, or add --stream never where memory holds them"
        )
    if data.about and data.about.places:
        raise InvalidValue(
            "targets at places are read into memory, and these stay in their file; add --stream never where memory"
            " holds them"
        )
    if config.scaling == "zca":
        raise InvalidValue(
            "scaling 'zca' is fitted to all training samples at once, and these stay in their file; take --scaling"
            " channel or standard, or add --stream never where memory holds them"
        )
    return replace(config, stream="always", stream_block=config.stream_block or _block_of(data.x_train))


def _block_of(rows: Rows) -> int:
    """How many samples a block has where nothing says so: a MiB of them, and of a file that is unpacked piece by piece
    a piece at least."""
    return max(1, BLOCK // _bytes(rows), rows.source.grain)


def batches_of(
    rows: Rows, y: NDArray, net: Network, config: Config, places: Shape | None, own: NDArray | None
) -> Windows:
    """The batches of these training samples, taught as y, with these weights of their own."""
    augmenting = augmenting_of(config.augment, places, config.seeds)
    as_it_came = rows.dtype == np.uint8 or augmenting is not None
    taught = noisy_labels(y, config.label_noise, net.sizes.outputs, config.seeds) if config.label_noise else y

    def read(start: int, stop: int) -> NDArray:
        x = rows[start:stop]
        if x.dtype == np.uint8:
            return np.asarray(net.looked_at(x, name))
        return net.unscaled(x, name) if augmenting else net.as_trained(x, name)

    name = PART.format(rows.name)
    dtype = rows.dtype if rows.dtype == np.uint8 else np.dtype(net.dtype)
    weights = _counting(weighed) if (weighed := weighing(config, net, taught, own)) else None
    data = Streamed(len(rows), rows.shape[1], dtype, read, taught, weights)
    block, size = config.stream_block or _block_of(rows), min(config.batch_size or 1, len(rows))
    plan = Plan(len(rows), block, max(1, WINDOW // _bytes(rows)), size)
    scaling = net.device_scaling if as_it_came else None
    return Windows(net.backend, data, plan, config.seeds, config.input_noise, scaling, augmenting, net.dtype)


def judged(rows: Rows, y: NDArray, net: Network, raw: bool) -> tuple[Made, Any]:
    """x and y as `scores.evaluate` takes them, whose parts are read, and made what the training sees, as they are
    asked for; bytes stay as they are where they are `raw`."""

    def seen(x: NDArray) -> Any:
        kept = raw and x.dtype == np.uint8
        return net.backend.to_device(x if kept else net.as_trained(x, PART.format(rows.name)))

    if has_labels(y):
        return Made(rows, seen), Made(y, lambda part: net.backend.to_device(part, "int64"))
    return Made(rows, seen), net.backend.to_device(y)


def _bytes(rows: Rows) -> int:
    """What a sample counts for in a block and in a window: what it takes in memory, and its place in each replica's
    order, of however many replicas, takes some too."""
    return max(LEAST, rows.shape[1] * rows.dtype.itemsize)


def _counting(weighed: Weighing) -> Callable[[int, int], NDArray]:
    """How much samples count, of mean 1 over all of them, some at a time."""
    means = weighed.means()
    return lambda start, stop: weighed.some(start, stop) / means
