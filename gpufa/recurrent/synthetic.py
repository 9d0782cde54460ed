"""M: a small net that predicts, from the state at a window's end, the gradient that the future would send to it."""

from ..backends.operands import Gate
from ..basics.arrays import T
from ..net.arena import Arena, Array
from .net import TANH, RecurrentNet

ALL = slice(None)


class SyntheticGradient:
    """M(h) = M1 h + m1, or with a hidden layer M2 tanh(M1 h + m1) + m2, and so on; the buffers for m samples.

    It is trained to lessen 1/2 |M(h) - g|^2, g being dL/dh as it comes back through the window that begins at h, into
    whose other end M itself sends its gradient: what M knows of the far future it has from its own later predictions.
    """

    def __init__(self, net: RecurrentNet, m: int) -> None:
        self.net, self.m = net, m
        widths = net.widths or ()
        self.s, self.delta = ([net.backend.zeros((len(net.seeds), n, m), net.dtype) for n in widths] for _ in range(2))

    def predict(self, h: Array) -> Array:
        """M(h), (R, n, m), in a buffer of its own."""
        p, last = self.net.arena, self.net.layers[-1]
        for k in self.net.layers:
            f = TANH if k < last else None
            self.net.backend.layer(p[f"M{k}"], self._below(k, h), p[f"m{k}"], f, a=self.s[k], h=self.s[k])
        return self.s[last]

    def learn(self, h: Array, g: Array, grads: Arena) -> None:
        """Add the gradient of 1/2 |M(h) - g|^2, mean over samples, to grads; nothing flows into h or g."""
        backend, p, mean = self.net.backend, self.net.arena, 1 / self.m
        backend.xp.subtract(self.predict(h), g, out=self.delta[-1])
        for k in reversed(self.net.layers):
            delta = self.delta[k]
            backend.gemm(delta, T(self._below(k, h)), out=grads[f"M{k}"], alpha=mean, beta=1.0)
            backend.row_sums(delta, out=grads[f"m{k}"], alpha=mean, beta=1.0)
            if k > 1:
                backend.gemm(T(p[f"M{k}"]), delta, out=self.delta[k - 1])
                backend.gate(self.delta[k - 1], [Gate(TANH, self.s[k - 1], None, ALL)])

    def _below(self, k: int, h: Array) -> Array:
        return h if k == 1 else self.s[k - 1]
