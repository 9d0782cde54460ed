"""What stays of a net from one step to the next, or of R nets side by side."""

import gc
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...backends import Backend
from ...backends.operations.edges import Adjacency, Sparse
from ...basics.errors import InvalidValue, OutOfMemory, in_bytes
from ...data.graphs.graph import Graph
from ...functions.losses import Loss
from ..shape.layout import Layout
from .arena import Array, Extra, Parameters
from .feedback import Feedback, FeedbackMatrices

LARGE = 1 << 20  # bytes of weights and feedback from which on room is made for a net by those that are gone


class Model:
    """A net as a rule is asked about it (`Rule.check`), and, once it has its memory, as a rule prepares it.

    sizes         its layout: units per layer, inputs first, and the layers themselves
    activations   of the hidden layers
    output_loss   the loss, and with it the output's non-linearity
    residual      the hidden layers with a skip connection
    seeds         one for each of the R replicas
    dtype         of all numbers

    arena         the parameters by name, (R, ...) each: W1, b1, ..., and the rule's own, `extras`
    fixed         the rule's feedback matrices
    state         what the rule remembers from step to step, by name, and what layers measure, `measured`
    graph         whose nodes the samples are, all of them at once, where layers go along its edges
    """

    backend: Backend
    arena: Parameters
    fixed: FeedbackMatrices
    extras: Mapping[str, Extra]
    state: Mapping[str, Array]
    measured: Mapping[str, Array]
    traces = False  # whether its recurrent layers carry traces forward in steps of training
    every_step = False  # whether blocks that hand on their last step in time alone have all of them at hand
    as_said = False  # whether the layers within blocks stand in the order that was said, and not in a faster one

    def __init__(
        self,
        sizes: Layout,
        loss: Loss,
        seeds: Sequence[int],
        dtype: str,
    ) -> None:
        self.sizes, self.output_loss, self.seeds, self.dtype = sizes, loss, seeds, dtype
        self.activations, self.residual = list(sizes.functions), sizes.residual
        self._graph: Graph | None = None
        self._adjacencies: dict[tuple[str, bool], Adjacency] = {}

    @property
    def graph(self) -> Graph | None:
        return self._graph

    def adjacency(self, by: str, loops: bool) -> Adjacency:
        """The weights of the graph's edges on the device, see Graph.weights."""
        if (by, loops) not in self._adjacencies:
            assert self._graph
            up = self._graph.weights(by, loops)
            down = up.T.tocsr()
            down.sort_indices()
            self._adjacencies[by, loops] = Adjacency(*map(self._on_device, (up, down)))
        return self._adjacencies[by, loops]

    def _on_device(self, matrix: Any) -> Sparse:
        """A SciPy CSR matrix."""
        place = self.backend.to_device
        starts, places = (place(a, np.int64) for a in (matrix.indptr, matrix.indices))
        return Sparse(starts, places, place(matrix.data, self.dtype))

    def allocate(
        self,
        backend: Backend,
        extras: Mapping[str, Extra],
        fixed: Mapping[str, Feedback],
        kind: str,
        state: Mapping[str, tuple[int, ...]],
        state_dtype: str,
    ) -> None:
        """Memory on the backend, zero but for what starts from another number, and the feedback, which is drawn; `kind`
        is one of FEEDBACK. Raises InvalidValue where the rule calls something of its own as a layer does."""
        self.backend, self.extras = backend, extras
        shapes = [shape for k in self.sizes.every for shape in self.sizes.parameters[k].values()]
        shapes += [extra.shape for extra in extras.values()]
        shapes += [(one.rows, one.columns) for one in fixed.values()] if kind == "stored" else []
        size = len(self.seeds) * np.dtype(self.dtype).itemsize * sum(map(math.prod, shapes))
        if size >= LARGE:  # a net that is gone holds itself through its passes, and Python clears that by its own count
            gc.collect()
        try:
            self.arena = self.new_arena()
            self.fixed = FeedbackMatrices(backend, fixed, self.seeds, self.dtype, kind)
        except OutOfMemory as error:
            raise OutOfMemory(
                f"a net of {self.sizes.sketch} {self.dtype} with {len(self.seeds)} seeds takes"
                f" {in_bytes(size)} for its weights and feedback, and more to train: {error}"
            ) from None
        for name in self.sizes.state.keys() & state.keys():
            raise InvalidValue(f"the rule keeps {name!r}, a name that a layer of the net has; give it another")
        for name, start in self.sizes.starts.items():
            self.arena[name].fill(start)
        self.measured = {
            name: backend.zeros((len(self.seeds), *one.shape), self.dtype) for name, one in self.sizes.state.items()
        }
        for name, one in self.sizes.state.items():
            self.measured[name].fill(one.start)
        own = {name: backend.zeros((len(self.seeds), *shape), state_dtype) for name, shape in state.items()}
        self.state = {**own, **self.measured}

    def finite(self) -> Any:
        """Whether all parameters of a replica are finite, (R,) on the device."""
        found = self.backend.zeros((len(self.seeds),), bool)
        self.backend.every("finite", self.arena.flat, found)
        return found

    def new_arena(self, dtype: str | None = None) -> Parameters:
        """An arena in the layout of the parameters."""
        shapes = {name: extra.shape for name, extra in self.extras.items()}
        return Parameters(self.backend, self.sizes, len(self.seeds), dtype or self.dtype, shapes)
