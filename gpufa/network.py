"""Network: parameters, feedback and the rule that trains them; the same code on NumPy and on CuPy."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .backends import PRECISIONS, Backend, faults, get_backend, on_device
from .basics.arguments import one_of, positive, several, shown
from .basics.errors import InvalidValue
from .basics.random import check_seed
from .data.samples import Scaling, inputs
from .functions.initialisers import INITIALISERS, layer_inits
from .functions.losses import loss as find_loss
from .measure.alignment import measure
from .measure.scores import evaluate
from .net.arena import Parameters
from .net.checks import hidden_activations, network_input, network_target, residual_layers
from .net.feedback import FEEDBACK, FeedbackMatrices
from .net.gradients import Gradients
from .net.layout import Sizes
from .net.passes import Pass
from .rules import Rule, make_rule

CHUNK = 1000  # samples at a time in prediction and evaluation
DTYPES = "float32", "float64"


class Network:
    """A feed-forward network, or R of them side by side, with its learning rule.

    sizes        units per layer, inputs first: [784, 800, 800, 10]
    activation   of the hidden layers: a name, or a list with one each
    loss         "cross_entropy" (softmax), "binary_cross_entropy" (logistic) or "squared_error" (identity)
    rule         a name ("dfa"), a subclass of gpufa.Rule, or an instance with options
    init         an initialiser's name, or a list with one per weight matrix
    init_scale   the initial weights' range (uniform laws) or deviation (normal ones), in place of what `init` makes of
                 the fan-in; of orthogonal matrices the factor
    seed, seeds  one network, or one per seed along a leading replica axis R
    device       which GPU, counted from 0
    precision    on a GPU: "fp32"; "tf32" for products of less precision; "bf16" for training on bfloat16 activity
    residual     sent_k = f(a_k) + sent_{k-1} for every hidden layer that is as wide as the one below
    feedback     "stored", or "procedural": made of the seed wherever it is used, and no part of a checkpoint

    What is left None takes the rule's default. Raises InvalidValue for unknown names and unusable sizes,
    BackendUnavailable for backend="cupy" without a usable GPU.
    """

    @faults()
    @np.errstate(over="ignore")  # a scale beyond what the numbers hold makes infinite weights, which training tells
    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str | Sequence[str] | None = None,
        loss: str | None = None,
        rule: str | type[Rule] | Rule = "dfa",
        init: str | Sequence[str] | None = None,
        init_scale: float | None = None,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        dtype: str = "float32",
        backend: str | Backend = "auto",
        device: int = 0,
        precision: str = "fp32",
        feedback: str = "stored",
        residual: bool = False,
    ) -> None:
        self.sizes = Sizes.of(sizes)
        self.rule = make_rule(rule)
        self.single = seeds is None
        self.seeds = tuple(check_seed(s) for s in ((seed,) if seeds is None else several(seeds, "seeds", "[0, 1, 2]")))
        if not self.seeds:
            raise InvalidValue("seeds is empty; give at least one, such as --seeds 0 1 2")
        if len(set(self.seeds)) < len(self.seeds):
            raise InvalidValue(
                f"seeds {list(self.seeds)} repeat one; replicas of one seed are the same network: give each once"
            )
        self.dtype = one_of(dtype, DTYPES, "dtype")
        one_of(precision, PRECISIONS, "precision")
        defaults = self.rule.defaults
        self.activations = hidden_activations(
            defaults["activation"] if activation is None else activation, self.sizes, self.rule
        )
        self.output_loss = find_loss(defaults["loss"] if loss is None else loss)
        self.inits = layer_inits(defaults["init"] if init is None else init, self.activations, self.sizes.L)
        if init_scale is not None and positive(init_scale, "init_scale") and set(self.inits) == {"zeros"}:
            raise InvalidValue(
                f"init_scale = {init_scale:g} has nothing to scale where all weights start from zero;"
                " add --init uniform, or leave --init-scale out"
            )
        if not isinstance(residual, bool):
            raise InvalidValue(f"residual can't be {shown(residual)}; give True or False")
        self.residual = residual_layers(self.sizes, self.rule) if residual else ()
        self.rule.check(self)
        one_of(feedback, FEEDBACK, "feedback")
        if feedback == "procedural" and (self.rule.stored_feedback or self.residual):
            raise InvalidValue(
                f"rule {self.rule.name!r}{' in a residual net' if self.residual else ''} needs its feedback matrices in"
                " memory; leave --feedback procedural out"
            )
        if precision != "fp32" and dtype != "float32":
            raise InvalidValue(f"precision {precision!r} is for dtype float32, not {dtype}; leave one of them out")
        self.backend = get_backend(backend, device, precision)
        self.extras = self.rule.parameters(self.sizes)
        self.scaling: Scaling | None = None
        self._passes: dict[int, Pass] = {}
        with self.backend.working():
            self.arena = self.new_arena()
            self.fixed = FeedbackMatrices(self.backend, self.rule.fixed(self.sizes), self.seeds, dtype, feedback)
            self.state = {
                name: self.backend.zeros((len(self.seeds), *shape), self.rule.state_dtype or dtype)
                for name, shape in self.rule.state(self.sizes).items()
            }
            self._draw(init_scale)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """W1, (n_1, n_0), b1, (n_1,), ...: live views, written in place; a leading axis R with `seeds`."""
        return self.arena.public(self.single)

    @property
    def feedback(self) -> Mapping[str, Any]:
        """B1, ...: the rule's fixed feedback matrices, (n_k, n_{k+1}) for fa, (n_k, n_L) for dfa: live views, or copies
        where they are procedural."""
        return self.fixed.public(self.single)

    @on_device
    def predict(self, x: Any) -> NDArray:
        """Outputs after the output non-linearity, (samples, n_L), for x, (samples, n_0); in chunks, to save memory."""
        x = network_input(self, x)
        out = np.empty((len(self.seeds), len(x), self.sizes.outputs), self.dtype)
        for start, p in self.chunks(len(x)):
            a = p.run(x[start : start + p.m])
            self.output_loss.outputs(a, p.e)
            out[:, start : start + p.m] = self.backend.to_host(p.e).swapaxes(-1, -2)
        return out[0] if self.single else out

    def loss(self, x: Any, y: Any) -> Any:
        """The loss, summed over outputs and averaged over samples; a float, or (R,) with `seeds`."""
        loss = self.evaluate(x, y)["loss"]
        return float(loss[0]) if self.single else loss

    @on_device
    def evaluate(self, x: Any, y: Any) -> dict[str, NDArray]:
        """Scores by name, (R,) each: "loss" and "error" in percent for labels, "r2" and "rmse" for targets."""
        return evaluate(self, x := network_input(self, x), network_target(self, y, len(x)))

    def scaled(self, x: NDArray) -> NDArray:
        """Raw inputs, (samples, n_0), as the training saw them. Raises InvalidValue for another number of features."""
        x = inputs(x)
        if x.shape[1] != self.sizes.inputs:
            raise InvalidValue(
                f"the data have {x.shape[1]} features; expected {self.sizes.inputs}, as in the training data"
            )
        return self.scaling.apply(x) if self.scaling else x

    @property
    def device_scaling(self) -> tuple[Any, Any] | None:
        """(shift, factor) on the device, (n_0,) each, where the training scaled its inputs."""
        if self.scaling is None:
            return None
        shift, factor = (self.backend.to_device(part, self.dtype) for part in self.scaling)
        return shift, factor

    def as_floats(self, x: Any) -> Any:
        """Inputs on the device as the training saw them: bytes are made floats, and scaled; floats are so already."""
        if x.dtype.kind == "f":
            return x
        x = x.astype(self.dtype)
        if scaling := self.device_scaling:
            x -= scaling[0]
            x *= scaling[1]
        return x

    @on_device
    def gradients(self, x: Any, y: Any) -> dict[str, NDArray]:
        """What the rule hands the optimizer, mean over samples, as host arrays named like `parameters`."""
        p, grads = self._error(x, y), self.new_arena()
        found = Gradients(grads, 1 / p.m, range(1, self.sizes.L + 1))
        self.rule.gradients(p, found)
        found.finish()
        return {name: self.backend.to_host(g) for name, g in grads.public(self.single).items()}

    @on_device
    def signals(self, x: Any, y: Any) -> dict[str, NDArray]:
        """The hidden layers' activity "h1", ..., and where the rule has them the error signals "delta1", ..., of which
        the last is yhat - y: host arrays (samples, n_k), or (R, samples, n_k) with `seeds`."""
        p = self._error(x, y)
        found = {f"h{k}": self._by_samples(p.h[k]) for k in p.hidden}
        if self.rule.has_deltas:
            self.rule.deltas(p, p.e)
            found |= {f"delta{k}": self._by_samples(p.delta[k]) for k in range(1, p.L + 1)}
        return found

    @on_device
    def alignment(self, x: Any, y: Any) -> dict[str, NDArray]:
        """gpufa.alignment's metrics, angles in degrees, for each hidden layer, (L - 1,), or (R, L - 1) with `seeds`."""
        angles = measure(self._error(x, y), self.rule)
        return {name: a[0] if self.single else a for name, a in angles.items()}

    def chunks(self, samples: int) -> Iterator[tuple[int, Pass]]:
        """(first sample, a pass for the samples from there on), CHUNK at a time; the last pass may be smaller."""
        for start in range(0, samples, CHUNK):
            yield start, self.pass_for(min(CHUNK, samples - start))

    def pass_for(self, m: int) -> Pass:
        """A pass for m samples without dropout; the last few sizes are kept."""
        if m not in self._passes:
            while len(self._passes) >= 3:
                self._passes.pop(next(iter(self._passes)))
            self._passes[m] = Pass(self, m)
        return self._passes[m]

    def _error(self, x: Any, y: Any) -> Pass:
        x, y = network_input(self, x), network_target(self, y, len(x))
        p = self.pass_for(len(x))
        self.backend.targets(y, out=p.y)
        p.run(x)
        p.error()
        return p

    def _by_samples(self, layer: Any) -> NDArray:
        """A copy on the host of one layer of a pass, the samples before the units."""
        host = np.array(self.backend.to_host(layer).swapaxes(-1, -2))
        return host[0] if self.single else host

    def new_arena(self, dtype: str | None = None) -> Parameters:
        """An arena in the layout of the parameters."""
        shapes = {name: extra.shape for name, extra in self.extras.items()}
        return Parameters(self.backend, self.sizes, len(self.seeds), dtype or self.dtype, shapes)

    def _draw(self, scale: float | None) -> None:
        drawn: list[tuple[str, str, float | None]]
        drawn = [(f"W{k}", init, scale) for k, init in enumerate(self.inits, start=1)]
        drawn += [(name, extra.init, None) for name, extra in self.extras.items()]
        for stream, (name, init, size) in enumerate(drawn, start=1):
            w = self.arena[name]
            for r, seed in enumerate(self.seeds):
                host = np.empty(w.shape[1:], self.dtype)
                INITIALISERS[init](host, seed, stream, size)
                w[r] = self.backend.to_device(host)
