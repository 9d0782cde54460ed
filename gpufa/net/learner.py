"""A net with its rule: what predicts, is judged, and is trained."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.arrays import T
from ..basics.errors import InvalidValue, warn
from ..data.about import About
from ..data.graph import Graph, graph_of
from ..data.missing import Filling
from ..data.places import counted, without_gaps
from ..data.samples import check_samples, check_tokens, inputs
from ..data.scaling import Scaling
from ..functions.losses import Loss
from ..layers.sequences import numbered
from ..parallel.ranks import ALONE, Ranks
from .layout import Layout
from .model import Model
from .passes import Pass
from .rule import Rule

BEYOND = {
    "float32": "take --dtype float64, or scale them, as --scaling and --target-scaling standard do",
    "float64": "give them in another unit",
}
WIDEST = 8  # bytes of a number, on a device
CHUNK = 1000  # samples at a time in prediction and evaluation, at most
WIDE = 32 << 20  # bytes that their layers may put out
TOGETHER = 16  # samples that machine code takes at a time


class Learner(Model):
    """A Model with its rule; `filling` is what its inputs' missing values become, `target_scaling` what its targets go
    through, which predictions come back from; `about` says what these were."""

    rule: Rule
    filling: Filling | None = None
    target_scaling: Scaling | None = None
    about: About | None = None
    from_zero: bool = False  # whether all weights started from zero
    ranks: Ranks = ALONE  # those that hold its blocks between them

    def __init__(self, rule: Rule, sizes: Layout, loss: Loss, seeds: Sequence[int], dtype: str) -> None:
        super().__init__(sizes, loss, seeds, dtype)
        self.rule, self.as_said, self.traces = rule, rule.as_said, rule.traces and bool(sizes.recurrent)
        self.scaling = None
        self._passes: dict[int, Pass] = {}

    @property
    def window(self) -> int:
        """How many steps in time a step of training takes at once; 0 for all."""
        return self.rule.window if self.sizes.recurrent else 0

    @property
    def graph(self) -> Graph | None:
        """Whose nodes all samples are, where layers go along its edges; another may be set in its place, or its edges
        as Graph takes them. Raises InvalidValue where there is none and such a layer, or one and no such layer."""
        return self._graph

    @graph.setter
    def graph(self, graph: Any) -> None:
        sizes = self.sizes.whole
        if graph is None and sizes.joining:
            k = sizes.joining[0]
            raise InvalidValue(
                f"block {k}, '{sizes.blocks[k - 1]}', goes along the edges of a graph, and there is none; train on data"
                " with edges, such as --data cora, or hand gpufa.Network a graph (docs/graphs.md); estimators of"
                " scikit-learn take none"
            )
        if graph is not None and not sizes.joining:
            raise InvalidValue(
                "the samples are the nodes of a graph, and no layer of the net goes along its edges; give layers such"
                ' as "neighbours, dense 16 relu" and "neighbours, dense 7", or --layers "neighbours, dense 16 relu"'
                " neighbours"
            )
        self._graph = None if graph is None else graph_of(graph)
        self._adjacencies.clear()
        self._passes.clear()

    @property
    def scaling(self) -> Scaling | None:
        """What all inputs go through, as in training."""
        return self._scaling

    @scaling.setter
    def scaling(self, scaling: Scaling | None) -> None:
        self._scaling, self._matrix = scaling, None

    def pass_for(self, m: int) -> Pass:
        """A pass for m samples without dropout and weights; the last few sizes are kept."""
        if m not in self._passes:
            while len(self._passes) >= 3:
                self._passes.pop(next(iter(self._passes)))
            self._passes[m] = self.new_pass(m)
        self._passes[m].weight = None
        return self._passes[m]

    def new_pass(self, m: int, *how: Any) -> Pass:
        """A Pass for m samples, with whatever else goes with it."""
        return Pass(self, m, *how)

    @property
    def chunk(self) -> int:
        """How many samples are predicted, evaluated and measured at a time: CHUNK, or of a wide net so many that what
        its layers put out for them stays below WIDE bytes; of a graph all nodes."""
        if self.graph is not None:
            return self.graph.nodes
        each = len(self.seeds) * self.sizes.whole.made * np.dtype(self.dtype).itemsize
        return min(CHUNK, max(WIDE // each // TOGETHER, 1) * TOGETHER)

    def chunks(self, samples: int) -> Iterator[tuple[int, Pass]]:
        """(first sample, a pass for the samples from there on), `chunk` at a time; the last pass may be smaller."""
        for start in range(0, samples, self.chunk):
            yield start, self.pass_for(min(self.chunk, samples - start))

    def judged(self, x: Any, y: Any, weight: Any = None) -> Pass:
        """The pass of these samples, on the device, with their error; under weights, (R, m), where there are some."""
        p = self.pass_for(len(x))
        self.teach(p, y, weight)
        self.rule.forward(p, x)
        p.error()
        return p

    def teach(self, p: Pass, y: Any, weight: Any = None) -> None:
        """Give a pass its targets, which are on the device, and weights of its samples, (R, m), where there are some;
        places and nodes without a target have the weight 0."""
        places, p.weight = self.sizes.places, weight
        if places > 1:
            own = p.array("weight of places", places, p.m)
            own[...] = T(counted(y, places))
            if weight is not None:
                own *= weight[:, None]
            p.weight, y = own.reshape(len(own), -1), without_gaps(self.backend.xp, y)
        elif self.graph is not None:
            p.weight, p.counts = self.counted(y)
        self.backend.targets(y, out=p.y, places=places)

    def counted(self, y: Any) -> tuple[Any, int]:
        """Of the nodes of a graph, what their errors are multiplied by, (R, m), 0 for those whose label is -1; and how
        many have another."""
        known = self.backend.to_host(y) >= 0
        weight = np.broadcast_to(known, (len(self.seeds), len(known))).astype(self.dtype)
        return self.backend.to_device(weight), max(1, int(known.sum()))

    def scaled(self, x: NDArray) -> NDArray:
        """x itself, with a warning: whatever takes inputs scales them as the training did."""
        warn(
            "net.scaled(x) gives x back as it is: predict, evaluate, loss, gradients, alignment and signals take raw"
            " data and scale them; leave net.scaled out"
        )
        return x

    def as_trained(self, x: Any, name: str = "x") -> NDArray:
        """Raw inputs on the host, (samples, n_0), as the training sees them but for `whitened`: in the net's own type,
        or bytes as they are where nothing is scaled. Raises InvalidValue for another shape or number of features, and
        for values beyond the type, of inputs that it calls `name`."""
        check_samples(np.shape(x), self.sizes.shapes[0], name)
        self.check_nodes(len(x), name)
        x = self.filled(inputs(x, name, gaps=bool(self.filling)))
        if x.shape[1] != self.sizes.inputs:
            raise InvalidValue(
                f"the data have {x.shape[1]} features; expected {self.sizes.inputs}, as in the training data"
            )
        x = self.looked_at(x, name)
        return x if x.dtype == np.uint8 and not self.scaling else self._made(x, self.scaling, name, np.asarray)

    def check_nodes(self, samples: int, name: str) -> None:
        """Raises InvalidValue where these are not all nodes of the graph."""
        if self.graph is not None and samples != self.graph.nodes:
            raise InvalidValue(
                f"{name} has {samples} samples, and the graph {self.graph.nodes} nodes; give all of them, or set"
                " net.graph to theirs"
            )

    def unscaled(self, x: NDArray, name: str = "x") -> NDArray:
        """The same without the scaling, of inputs that were looked at by `as_trained` already."""
        return np.asarray(self._made(self.filled(x), None, name, np.asarray))

    def looked_at(self, x: Any, name: str) -> Any:
        """Raw inputs themselves, on the host or the device. Raises InvalidValue for numbers that are none of tokens,
        where the net takes these, of inputs that it calls `name`."""
        if found := numbered(self.sizes.shapes[0]):
            check_tokens(x, found.of, found.word, name)
        return x

    def filled(self, x: Any, place: Callable[[NDArray], Any] = np.asarray) -> Any:
        """Raw inputs with their missing values filled in, where the training did that."""
        return self.filling.apply(x, place) if self.filling and x.dtype.kind == "f" else x

    def scaled_inputs(self, x: Any) -> Any:
        """Raw inputs, (samples, n_0), on the host or the device, as the training saw them, on the device. What is not
        finite stays so. Raises InvalidValue for values beyond the type."""
        x = self.looked_at(x, "the inputs")
        if self.filling or self.scaling or isinstance(x, self.backend.xp.ndarray):
            x = self.backend.to_device(x, np.float64 if x.dtype.itemsize > WIDEST else None)
            x = self.filled(x, self.backend.to_device)
        return self.whitened(self._made(x, self.scaling, "the inputs", self.backend.to_device))

    def scaled_targets(self, y: Any, name: str = "the targets") -> NDArray:
        """Real targets on the host, (samples, n_L), as the training sees them. Raises InvalidValue for those that the
        loss is not for, as e = yhat - y would be another one's gradient, and for values beyond the type."""
        if fault := self.output_loss.unfit(self._rows_of(y)):
            raise InvalidValue(
                f"{name} don't go with the loss {self.output_loss.name}: {fault}; give others, or take"
                " --loss squared_error"
            )
        found: NDArray = self._made(y, self.target_scaling, name, np.asarray)
        return found

    def _rows_of(self, y: NDArray) -> NDArray:
        """Targets as the loss takes them, those of each place that has some a row."""
        if (places := self.sizes.places) == 1:
            return y
        rows = T(y.reshape(len(y), -1, places)).reshape(-1, self.sizes.at_place)
        return rows[counted(y, places).reshape(-1)]

    def _made(self, x: Any, scaling: Scaling | None, name: str, place: Callable[..., Any]) -> Any:
        """x in the net's own type, scaled where there is a scaling, there where `place` brings arrays."""
        with np.errstate(all="ignore"):
            made = scaling.apply(x, self.dtype, place) if scaling else place(x, self.dtype)
        if not np.isfinite([float(made.min()), float(made.max())]).all():
            raw, host = (a if isinstance(a, np.ndarray) else self.backend.to_host(a) for a in (x, made))
            for i, j in np.argwhere(np.isfinite(raw) & ~np.isfinite(host))[:1]:
                raise InvalidValue(
                    f"{name}: the value {raw[i, j]:g} in row {i}, column {j} (counted from 0), is beyond {self.dtype}"
                    f"{' once it is scaled' if scaling else ''}; {BEYOND[self.dtype]}"
                )
        return made

    @property
    def device_scaling(self) -> tuple[Any, Any] | None:
        """(shift, factor) on the device, (n_0,) each, where the training scaled its inputs."""
        if self.scaling is None:
            return None
        shift, factor = (self.backend.to_device(part, self.dtype) for part in self.scaling[:2])
        return shift, factor

    @property
    def device_matrix(self) -> Any:
        """The matrix of the scaling on the device, (n_0, n_0), where it has one."""
        if self._matrix is None and self.scaling is not None and self.scaling.matrix is not None:
            self._matrix = self.backend.to_device(self.scaling.matrix, self.dtype)
        return self._matrix

    def whitened(self, x: Any) -> Any:
        """x itself, (samples, n_0), on the device in the net's own type, scaled, and held by nobody else: in place it
        becomes its product with the scaling's matrix, where there is one."""
        if (matrix := self.device_matrix) is not None:
            work = self.backend.scratch("inputs whitened", (CHUNK, self.sizes.inputs), self.dtype)
            for start in range(0, len(x), CHUNK):
                part = x[start : start + CHUNK]
                self.backend.whiten(part, matrix, out=work[: len(part)])
                part[...] = work[: len(part)]
        return x

    def as_floats(self, x: Any) -> Any:
        """Inputs on the device as the training saw them: bytes are made floats, and scaled; floats are so already."""
        if x.dtype.kind == "f":
            return x
        x = x.astype(self.dtype)
        if scaling := self.device_scaling:
            x -= scaling[0]
            x *= scaling[1]
        return self.whitened(x)
