"""Where a rule's gradients go: products of error signals and activity, scaled, into an arena like the parameters'."""

from collections.abc import Iterator, Sequence
from functools import partial

from ...backends.operations.columns import Maps
from ...basics.arrays import ALL, T
from ...basics.errors import InvalidValue
from ..batch.passes import Pass
from ..state.arena import Array, Layers, Parameters


class Gradients:
    """What a rule descends. The first thing handed over for a parameter is written, what follows is added to it.

    `into` holds the sums. `rates` has layers with what theirs are multiplied by: 1/m for a mean over samples, or a
    number on the device, (1,); the rule's own parameters, of which `extras` are wanted, have the first of them. Layers
    that are not there are frozen, and left out. What is not handed over is zero in the end, unless it accumulates.
    `signals_of` names a rule that has said that it hands over nothing but `layers_of`.
    """

    def __init__(
        self,
        into: Parameters,
        rates: Sequence[tuple[float | Array, tuple[int, ...]]],
        running: Sequence[slice] = (ALL,),
        accumulate: bool = False,
        extras: Sequence[str] = (),
        signals_of: str = "",
    ) -> None:
        self.into, self.backend, self.running = into, into.backend, running
        self.rates, self.signals_of = rates, signals_of
        self.scale = rates[0][0] if rates else 0.0
        self.first = 1.0 if accumulate else 0.0
        self.wanted = frozenset(extras).union(*(into.sizes.names(layers) for _, layers in rates))
        self.begun: set[str] = set()

    def layer(self, k: int, delta: Array, h: Array, factor: float = 1.0) -> None:
        """dW_k += factor * delta h^T and db_k += factor * the row sums of delta: (R, n_k, m), (R, n_{k-1}, m)."""
        self.product(f"W{k}", delta, h, factor)
        self.sums(f"b{k}", delta, factor)

    def each_layer(self, delta: Layers, h: Sequence[Array]) -> None:
        """`layer` of all that are one dense layer: dW_k += delta_k h_{k-1}^T, db_k += the row sums of delta_k."""
        layered = self.into.sizes.layered
        if layered:
            for k in range(1, len(delta)):
                if k not in layered:
                    self.layer(k, delta[k], h[k - 1])
            return
        for k in range(1, len(delta)):
            self.product(f"W{k}", delta[k], h[k - 1])
        names = [f"b{k}" for k in range(1, len(delta))]
        if self.wanted.issuperset(names) and self.begun.isdisjoint(names):
            self.backend.layer_sums(delta, self.into.b, alpha=self.scale, beta=self.first)
            self.begun.update(names)
        else:
            for name, one in zip(names, delta[1:], strict=True):
                self.sums(name, one)

    def product(self, name: str, delta: Array, h: Array, factor: float = 1.0) -> None:
        """The parameter's gradient += factor * delta h^T: (R, rows, m) and (R, columns, m)."""
        self._check(name)
        if name in self.wanted:
            alpha, beta = self._times(factor), self.begin(name)
            self.backend.gemm(delta, T(h), out=self.into[name], alpha=alpha, beta=beta)

    def sums(self, name: str, delta: Array, factor: float = 1.0) -> None:
        """The parameter's gradient += factor * the sums over samples of delta, (R, rows, m)."""
        self._check(name)
        if name in self.wanted:
            self.backend.row_sums(delta, out=self.into[name], alpha=self._times(factor), beta=self.begin(name))

    def filters(self, name: str, maps: Maps) -> None:
        """The kernel's gradient += the sums over places and samples of y x, y being the signal there."""
        self._check(name)
        if name in self.wanted:
            self.backend.filter_gradient(maps, out=self.into[name], alpha=self.scale, beta=self.begin(name))

    def look_ups(self, name: str, delta: Array, tokens: Array, turned: bool = False) -> None:
        """The parameter's gradient, (R, V, n), += the sums of delta, (R, n, T * m), over the places of each of V
        tokens, (R, T, m) or (T, m); `turned`, where it is (R, n, V)."""
        self._check(name)
        if name in self.wanted:
            out = T(self.into[name]) if turned else self.into[name]
            self.backend.add_look_ups(delta, tokens, out=out, alpha=self.scale, beta=self.begin(name))

    def add(self, name: str, g: Array) -> None:
        """The parameter's gradient += g, (R, *shape), which is summed over samples already; g is consumed."""
        self._check(name)
        if name in self.wanted:
            _added(self, name, g, self.begin(name), (ALL,))

    def array(self, name: str) -> Array:
        """The parameter's gradient, to be written whole by the rule itself, which does its own scaling."""
        self._check(name)
        self.begun.add(name)
        return self.into[name]

    def layers_of(self, net: Pass) -> None:
        """dW_k = delta_k h_{k-1}^T and db_k = the row sums of delta_k, for all layers.

        Nothing here depends on anything else, so all of it may run side by side; layers of one shape are one product.
        Raises InvalidValue where a rule of signals calls it a second time.
        """
        if self.signals_of and self.begun:
            raise InvalidValue(
                f"rule {self.signals_of!r} hands over the gradients of its layers twice; let its gradients(net, grads)"
                " call super()'s, or grads.layers_of(net), and not both"
            )
        for scale, layers in self.rates:
            layered = net.sizes.layered
            dense = tuple(k for k in layers if k not in layered) if layered else layers
            self._dense_layers_of(net, dense, scale)
            self.begun |= net.sizes.names(dense)
            for k in layered:
                if k in layers:
                    net.gradients_within(k, Within(self, scale))

    def scale_of(self, name: str) -> float | Array:
        """What a parameter's gradient is multiplied by, which may be another block's than that which hands it over."""
        return next((scale for scale, layers in self.rates if name in self.into.sizes.names(layers)), self.scale)

    def finish(self) -> None:
        """Write zeros where nothing was handed over. Raises InvalidValue where a rule of signals has handed over
        nothing at all."""
        if self.signals_of and self.wanted and not self.begun:
            raise InvalidValue(
                f"rule {self.signals_of!r} hands over no gradients; let its gradients(net, grads) call super()'s, or"
                " grads.layers_of(net)"
            )
        if not self.first:
            for name in self.into:
                if name in self.wanted and name not in self.begun:
                    for _, room in self.rooms(name):
                        room.fill(0)

    def rooms(self, name: str) -> Iterator[tuple[slice, Array]]:
        """Where a parameter's gradient goes: some of its rows, and room for these, (R, rows, ...)."""
        yield ALL, self.into[name]

    def _check(self, name: str) -> None:
        if name not in self.into:
            raise InvalidValue(
                f"the net has no parameter {name!r} to hand over a gradient of; it has {', '.join(self.into)}"
            )
        if self.signals_of:
            raise InvalidValue(
                f"rule {self.signals_of!r} hands over gradients of its own beside those of its signals; let it say so:"
                ' makes = frozenset({"signals", "gradients"})'
            )

    def _times(self, factor: float) -> float | Array:
        return self.scale if factor == 1 else factor * self.scale

    def begin(self, name: str) -> float:
        """How much of what is there stays where more of that parameter's gradient comes: nothing before the first."""
        beta = 1.0 if name in self.begun else self.first
        self.begun.add(name)
        return beta

    def _dense_layers_of(self, net: Pass, layers: tuple[int, ...], scale: float | Array) -> None:
        for replicas in self.running:
            self._dense_layers_of_some(net, layers, scale, replicas)

    def _dense_layers_of_some(self, net: Pass, layers: tuple[int, ...], scale: float | Array, replicas: slice) -> None:
        jobs, into, times = [], self.into, {"alpha": scale, "beta": self.first}
        for first, last in net.sizes.alike(layers):
            delta, h = block(net, net.delta, first, last), block(net, net.sent, first - 1, last - 1)
            h = T(h[replicas] if h.ndim == delta.ndim else h)
            out = into.weights(first, last)[replicas]
            jobs.append(partial(self.backend.gemm, delta[replicas], h, out=out, **times))
        whole = len(layers) == net.L
        biases = [(net.delta.slab, into.b.slab)] if whole else [(net.delta[k], into.b[k]) for k in layers]
        for delta, b in biases:
            jobs.append(partial(self.backend.row_sums, delta[replicas], out=b[replicas], **times))
        self.backend.parallel(jobs)


class Within:
    """Where the layers within a block hand over theirs: to the same sums, of the replicas that are running."""

    def __init__(self, grads: Gradients, scale: float | Array) -> None:
        self.grads, self.scale = grads, scale

    def product(self, name: str, delta: Array, h: Array, factor: float = 1.0) -> None:
        alpha, beta = self._times(factor), self.grads.begin(name)
        for rows, out in self.grads.rooms(name):
            for r in self.grads.running:
                below = h if h.ndim < delta.ndim else h[r]
                self.grads.backend.gemm(delta[r, rows], T(below), out=out[r], alpha=alpha, beta=beta)

    def sums(self, name: str, delta: Array, factor: float = 1.0) -> None:
        alpha, beta = self._times(factor), self.grads.begin(name)
        for rows, out in self.grads.rooms(name):
            for r in self.grads.running:
                self.grads.backend.row_sums(delta[r, rows], out=out[r], alpha=alpha, beta=beta)

    def filters(self, name: str, maps: Maps) -> None:
        beta, shared = self.grads.begin(name), maps.x.ndim < maps.y.ndim
        for _, out in self.grads.rooms(name):  # kernels are whole
            for r in self.grads.running:
                own = maps._replace(x=maps.x if shared else maps.x[r], y=maps.y[r])
                self.grads.backend.filter_gradient(own, out=out[r], alpha=self.scale, beta=beta)

    def look_ups(self, name: str, delta: Array, tokens: Array) -> None:
        if name not in self.grads.wanted:  # that of the outputs, which are frozen
            return
        beta, backend, scale = self.grads.begin(name), self.grads.backend, self.grads.scale_of(name)
        for rows, out in self.grads.rooms(name):
            for r in self.grads.running:
                own = tokens[r] if tokens.ndim == delta.ndim else tokens
                backend.add_look_ups(delta[r], own, out[r], rows.start or 0, scale, beta)

    def add(self, name: str, g: Array) -> None:
        _added(self.grads, name, g, self.grads.begin(name), self.grads.running, self.scale)

    def _times(self, factor: float) -> float | Array:
        return self.scale if factor == 1 else factor * self.scale


def _added(
    grads: Gradients, name: str, g: Array, beta: float, running: Sequence[slice], scale: float | Array | None = None
) -> None:
    """A parameter's gradient = beta * gradient + scale * g, of those replicas."""
    xp, scale = grads.backend.xp, grads.scale if scale is None else scale
    xp.multiply(g, scale, out=g)
    for rows, out in grads.rooms(name):
        for r in running:
            if beta:
                xp.add(out[r], g[r, rows], out=out[r])
            else:
                out[r] = g[r, rows]


def block(net: Pass, layers: Layers, first: int, last: int) -> Array:
    """Layer `first`, (R, n, m), or the layers first .. last of equal width, (R, layers, n, m)."""
    if first == last:
        return layers[first]
    rows = slice(net.sizes.rows(first).start, net.sizes.rows(last).stop)
    part = layers.slab[:, rows]
    return part.reshape(len(part), last - first + 1, -1, net.m)
