"""Network: parameters, feedback and the rule that trains them; the same code on NumPy and on CuPy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .backends import PRECISIONS, Backend, faults, get_backend, on_device
from .basics.arguments import one_of, positive
from .basics.arrays import T
from .basics.errors import InvalidValue
from .data.samples.weights import checked, relative
from .functions.activations import Activation
from .functions.initialisers import Initialiser, layer_inits
from .functions.losses import Loss
from .functions.losses import loss as find_loss
from .functions.parts import Part, off_gpu, parts_of
from .measure.alignment import backprop, measure
from .measure.scores import evaluate
from .net.batch.passes import Pass
from .net.given import network_input, network_samples
from .net.learner import Learner
from .net.learning.checks import check_fit, layout_of, replica_seeds
from .net.learning.entries import entries
from .net.learning.gradients import Gradients
from .net.shape.layout import Layout
from .net.state.feedback import FEEDBACK, Feedback
from .net.state.initial import draw_weights
from .rules import RULES, Rule, check_promise, make_rule

DTYPES = "float32", "float64"


class Network(Learner):
    """A feed-forward network, or R of them side by side, with its learning rule.

    sizes        units per layer, inputs first: [784, 800, 800, 10]; or the layers themselves, a string a block, in
                 words or as objects of gpufa.layers: ["input 784", "dense 800 tanh", "dense 10"]; of images
                 ["input 3x32x32", "conv 32 5x5 relu, pool 2", "dense 10"]
    activation   of the hidden layers: a name, or a list with one each
    loss         "cross_entropy" (softmax), "binary_cross_entropy" (logistic) or "squared_error" (identity)
    rule         a name ("dfa"), a subclass of gpufa.Rule, or an instance with options
    init         an initialiser's name, or a list with one per weight matrix
    init_scale   the initial weights' range (uniform laws) or deviation (normal ones), in place of what `init` makes of
                 the fan-in; of orthogonal matrices the factor
    seed, seeds  one network; or one per seed, along a leading axis R of all that it has and gives. One alone has no
                 such axis, however its seed is given: seed=0, seeds=[0], or a Config's seeds=(0,)
    device       which GPU, counted from 0
    precision    on a GPU: "fp32"; "tf32" for products of less precision; "bf16" for training on bfloat16 activity
    residual     sent_k = f(a_k) + sent_{k-1} for every hidden layer that is as wide as the one below
    parts        activations, losses and initialisers of your own, as rows or "path/to/file.py:NAME", which names and
                 words may then mean; where one is named but once, it may stand in the name's place
    feedback     "stored", or "procedural": made of the seed wherever it is used, and no part of a checkpoint
    graph        whose nodes the samples are, for layers such as "neighbours": a gpufa.Graph, or what that is made of;
                 x are all nodes then, and a label of -1 says that a node has none

    All that take x and y take raw data: x goes through `filling` and `scaling`, and real targets through
    `target_scaling`, which a run of gpufa.train, or gpufa.load, may have set. x is (samples, n_0), or of images
    (samples, channels, height, width), or of other dimensions that make n_0, or a table of pandas, Polars or PyArrow
    with columns named as in training, which may have the targets in itself. y is labels, (samples,) or (samples, 1):
    numbers of classes from 0, or their names as strings or as a column of a table; or targets (samples, n_L). Where the
    last block leaves places, as "conv1d 10 1" does, each has an error: y is labels (samples, places), -1 for none, or
    floats (samples, outputs, places), NaN for none.

    A net is for one thread at a time: its passes share their buffers. Threads take turns, or have a copy each.

    What is left None takes the rule's default. Raises InvalidValue for unknown names and unusable sizes,
    BackendUnavailable for backend="cupy" without a usable GPU.
    """

    @faults()
    @np.errstate(over="ignore")  # a scale beyond what the numbers hold makes infinite weights, which training tells
    def __init__(
        self,
        sizes: Sequence[Any],
        *,
        activation: str | Activation | Sequence[str | Activation] | None = None,
        loss: str | Loss | None = None,
        rule: str | type[Rule] | Rule = "dfa",
        init: str | Initialiser | Sequence[str | Initialiser] | None = None,
        init_scale: float | None = None,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        dtype: str = "float32",
        backend: str | Backend = "auto",
        device: int = 0,
        precision: str = "fp32",
        feedback: str = "stored",
        residual: bool = False,
        parts: Sequence[Part | str] = (),
        graph: Any = None,
    ) -> None:
        made, own = make_rule(rule), parts_of(parts)
        layout = layout_of(sizes, activation, residual, made, own)
        replicas = replica_seeds((seed,) if seeds is None else seeds)
        self.single = len(replicas) == 1
        one_of(dtype, DTYPES, "dtype")
        one_of(precision, PRECISIONS, "precision")
        defaults = made.defaults
        output_loss = find_loss(defaults["loss"] if loss is None else loss, own)
        may_be_zero = not layout.layered and all(f.zero_init for f in layout.functions)
        inits = layer_inits(defaults["init"] if init is None else init, may_be_zero, len(layout.all_matrices), own)
        if init_scale is not None and positive(init_scale, "init_scale") and {one.name for one in inits} == {"zeros"}:
            raise InvalidValue(
                f"init_scale = {init_scale:g} has nothing to scale where all weights start from zero;"
                " add --init uniform, or leave --init-scale out"
            )
        check_fit(layout, made, RULES)
        layout = self.held(layout, made)
        super().__init__(made, layout, output_loss, replicas, dtype)
        self.graph = graph
        if layout.whole.joining:
            check_promise(made, "partial")
        made.check(self)
        one_of(feedback, FEEDBACK, "feedback")
        if feedback == "procedural" and "stored" in made.needs:
            raise InvalidValue(
                f"rule {made.name!r} needs its feedback matrices in memory; leave --feedback procedural out"
            )
        if precision != "fp32" and dtype != "float32":
            raise InvalidValue(f"precision {precision!r} is for dtype float32, not {dtype}; leave one of them out")
        place = get_backend(backend, device, precision, off_gpu([*layout.every_function, output_loss]))
        extras, fixed, state = made.parameters(layout), self.fixed_of(layout), made.state(layout)
        with place.working():
            self.allocate(place, extras, fixed, feedback, state, made.state_dtype or dtype)
            draw_weights(self, inits, init_scale)
        self.from_zero = {one.name for one in inits} == {"zeros"}

    def held(self, layout: Layout, rule: Rule) -> Layout:
        """What this process has of the net: all of it."""
        return layout

    def fixed_of(self, layout: Layout) -> Mapping[str, Feedback]:
        """The feedback that it has."""
        return self.rule.fixed(layout)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The activations and the loss that it has of one's own, which a checkpoint only names."""
        used = dict.fromkeys([*self.sizes.every_function, self.output_loss])
        return tuple(row for row in used if row.name not in row.table)

    @property
    def entries(self) -> list[str]:
        """Where the error enters each hidden block and through what, a sentence each; none in nets of dense layers, and
        where it comes down from block to block."""
        return entries(self.rule, self.sizes, self.dtype, self.fixed.keyed)

    def __repr__(self) -> str:
        seeds = f"seed {self.seeds[0]}" if self.single else f"seeds {', '.join(map(str, self.seeds))}"
        net = "; ".join(self.sizes.told)
        if self.sizes.by_sizes:
            named = dict.fromkeys(f.name for f in self.activations)
            net = " ".join(["-".join(map(str, self.sizes.units)), *named, *(["residual"] if self.residual else [])])
        return f"Network({net}, rule {self.rule.name}, {seeds}, {self.dtype}, {self.backend.name})"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """W1, (n_1, n_0), b1, (n_1,), ...: live views, written in place; of several seeds with a leading axis R."""
        return self.arena.public(self.single)

    @property
    def feedback(self) -> Mapping[str, Any]:
        """B1, ...: the rule's fixed feedback matrices, (n_k, n_{k+1}) for fa, or of a kernel its shape, (n_k, n_L) for
        dfa: live views, or copies where they are procedural."""
        return self.fixed.public(self.single)

    @on_device
    def predict(self, x: Any) -> NDArray:
        """Outputs after the output non-linearity, (samples, n_L), for x, (samples, n_0); in chunks, to save memory.
        Of a net with outputs at places (samples, outputs, places).

        Where the targets were scaled, the outputs are in the targets' own unit, and float64.
        """
        x = network_input(self, x)
        out = np.empty((len(self.seeds), len(x), self.sizes.outputs), self.dtype)
        for start, p in self.chunks(len(x)):
            a = self.rule.forward(p, x[start : start + p.m])
            self.output_loss.outputs(p.by_places(a), p.by_places(p.e))
            out[:, start : start + p.m] = T(self.backend.to_host(p.e))
        out = self.target_scaling.undo(out) if self.target_scaling else out
        out = out.reshape(*out.shape[:2], *self.sizes.shapes[-1])
        return out[0] if self.single else out

    def loss(self, x: Any, y: Any = None) -> Any:
        """The loss, summed over outputs and averaged over samples; a float, or (R,) with `seeds`. It is of the targets
        as the training saw them."""
        loss = self.evaluate(x, y)["loss"]
        return float(loss[0]) if self.single else loss

    @on_device
    def evaluate(self, x: Any, y: Any = None) -> dict[str, NDArray]:
        """Scores by name, (R,) each, "recall" (R, C): those of measure.scores.METRICS that go with what y is."""
        return evaluate(self, *network_samples(self, x, y))

    @on_device
    def gradients(self, x: Any, y: Any = None, sample_weights: Any = None) -> dict[str, NDArray]:
        """What the rule hands the optimizer, mean over samples, as host arrays named like `parameters`.

        With weights, (samples,), it is the sum of w_i times sample i's own, over the sum of w_i; where places have an
        error each, over those of all places that have a target. Raises InvalidValue where the rule can't weigh its
        samples.
        """
        p, grads = self._error(x, y, sample_weights), self.new_arena()
        count = p.counts if self.sizes.places == 1 else float(p.weight[0].sum(dtype="float64"))
        found = Gradients(grads, [(1 / count, self.sizes.every)], extras=list(self.extras))
        self.rule.gradients(p, found)
        found.finish()
        return {name: self.backend.to_host(g) for name, g in grads.public(self.single).items()}

    @on_device
    def signals(self, x: Any, y: Any = None) -> dict[str, NDArray]:
        """The hidden layers' activity "h1", ..., and where the rule has them the error signals "delta1", ..., of which
        the last is yhat - y: host arrays (samples, n_k), or (R, samples, n_k) with `seeds`."""
        p = self._error(x, y)
        found = {f"h{k}": self._by_samples(p.h[k]) for k in p.hidden}
        if "signals" in self.rule.makes:
            self.rule.deltas(p, p.e)
            found |= {f"delta{k}": self._by_samples(p.delta[k]) for k in range(1, p.L + 1)}
        return found

    @on_device
    def backprop_signals(self, x: Any, y: Any = None) -> dict[str, NDArray]:
        """The error signals of true backpropagation through this net, whatever its rule is: the deltas of `signals`."""
        p = self._error(x, y)
        backprop(p)
        return {f"delta{k}": self._by_samples(p.delta[k]) for k in range(1, p.L + 1)}

    @on_device
    def alignment(self, x: Any, y: Any = None) -> dict[str, NDArray]:
        """measure.alignment's metrics, angles in degrees, by hidden layer: (L - 1,), or (R, L - 1) with `seeds`."""
        angles = measure(self, *network_samples(self, x, y))
        return {name: a[0] if self.single else a for name, a in angles.items()}

    def _error(self, x: Any, y: Any, sample_weights: Any = None) -> Pass:
        (x, y), weight = network_samples(self, x, y), None
        if sample_weights is not None:
            if self.graph is not None:
                raise InvalidValue("sample_weights don't go with a graph; give nodes that don't count the label -1")
            check_promise(self.rule, "linear")
            own = relative(checked(sample_weights, len(x), "sample_weights"))
            weight = self.backend.to_device(np.tile(own, (len(self.seeds), 1)), self.dtype)
        return self.judged(x, y, weight)

    def _by_samples(self, layer: Any) -> NDArray:
        """A copy on the host of one layer of a pass, the samples before the units."""
        host = np.array(T(self.backend.to_host(layer)))
        return host[0] if self.single else host
