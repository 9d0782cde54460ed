"""A recurrent net over time: forward through a stretch of steps, and backpropagation through time back over it."""

from collections.abc import Collection

from ..backends.operands import Gate, Outputs
from ..basics.arrays import T
from ..net.arena import Arena, Array
from .net import TANH, RecurrentNet

ALL = slice(None)


class Unrolled:
    """The buffers of `steps` steps with m samples; at the steps `wanted`, counted from 0, there is a target and a loss.

    z[t] = [h[t]; x[t]], (R, n + inputs, m), of which h[t] and x[t] are views: step t makes h[t + 1] of it. h[0] is the
    zero state. y[t] and e[t], (R, outputs, m), are the target and the error at the output's pre-activation; sums,
    (2, R) float64, collects the loss and the number of wrong outputs, over samples and steps.
    """

    def __init__(self, net: RecurrentNet, steps: int, m: int, wanted: Collection[int]) -> None:
        self.net, self.steps, self.m, self.wanted = net, steps, m, tuple(wanted)

        def slab(rows: int) -> Array:
            return net.backend.zeros((len(net.seeds), rows, m), net.dtype)

        self.z = [slab(net.units + net.inputs) for _ in range(steps + 1)]
        self.h, self.x = [z[:, : net.units] for z in self.z], [z[:, net.units :] for z in self.z]
        self.y, self.e = ({t: slab(net.outputs) for t in self.wanted} for _ in range(2))
        self.o, self.delta, self.dz = slab(net.outputs), slab(net.units), slab(net.units + net.inputs)
        self.value = net.backend.zeros((len(net.seeds), m), net.dtype)
        self.missed = net.backend.zeros((len(net.seeds), m), "bool")
        self.sums = net.backend.zeros((2, len(net.seeds)), "float64")

    @property
    def dh(self) -> Array:
        """dL/dh of the state that `backward` starts from, and in the end of the one where it stops, (R, n, m)."""
        return self.dz[:, : self.net.units]

    def forward(self, first: int, last: int) -> None:
        """From h[first] to h[last], with the errors on the way."""
        net, backend, p = self.net, self.net.backend, self.net.arena
        for t in range(first, last):
            h = self.h[t + 1]
            backend.layer(p["WU"], self.z[t], p["b"], TANH, a=h, h=h)
            if t in self.e:
                outputs = Outputs(net.loss, self.o, self.y[t], self.e[t], self.value, self.missed, self.sums)
                backend.output(p["V"], h, p["c"], outputs)

    def backward(self, first: int, last: int, grads: Arena) -> None:
        """From dL/dh[last] in `dh` to dL/dh[first] there; what is met on the way, mean over samples, is added to grads.

        delta_t = (V^T e_t + dL/dh_t) * f'(h_t), and dL/dh_{t-1} = W^T delta_t.
        """
        gemm, row_sums, p, mean = self.net.backend.gemm, self.net.backend.row_sums, self.net.arena, 1 / self.m
        for t in reversed(range(first, last)):
            h, delta = self.h[t + 1], self.delta
            delta[...] = self.dh
            if t in self.e:
                e = self.e[t]
                gemm(T(p["V"]), e, out=delta, beta=1.0)
                gemm(e, T(h), out=grads["V"], alpha=mean, beta=1.0)
                row_sums(e, out=grads["c"], alpha=mean, beta=1.0)
            self.net.backend.gate(delta, [Gate(TANH, h, None, ALL)])
            gemm(delta, T(self.z[t]), out=grads["WU"], alpha=mean, beta=1.0)
            row_sums(delta, out=grads["b"], alpha=mean, beta=1.0)
            gemm(T(p["WU"]), delta, out=self.dz)
