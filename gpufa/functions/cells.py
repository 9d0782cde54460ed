"""CELLS: one step in time of each recurrent layer, up, down, and of what eligibility traces are made of; NumPy and CUDA
C side by side, as in formulas.py.

All three take the arrays that a layer keeps of a step, in one order (see layers/time/cell.py):

up        writes the states and the parts of step t, of the states before it, of x = W x_t + b and of u = U h_{t-1}
down      takes dh, dc, ... = dL/d of the states behind step t, without `e`, what arrives there from above; writes the
          deltas, once side by side and once as X where those of all steps lie, and leaves in dh, dc, ... what goes to
          the states before the step past U
traced    writes, for rows of W, what a trace decays by and what an error is multiplied with, and, for rows of the sums,
          what is added of the input: trace_t = decay * trace_{t-1} + local * input, dL/dW = sum of (gain * dL/dh_t)
          trace_t
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .activations import Activation
from .activations.smooth import logistic
from .formulas import Formula

Array = Any


class Steps(NamedTuple):
    """Of one kind of cell."""

    up: Formula
    down: Formula
    traced: Formula


@cache
def leaky(f: Activation) -> Steps:
    """h = (1 - leak) h0 + leak s, s = f(x + u); f' is written in s."""

    def up(h: Array, s: Array, h0: Array, x: Array, u: Array, leak: float) -> None:
        np.add(u, x, out=u)
        f.value(u, s)
        if leak == 1:
            np.copyto(h, s)
            return
        np.multiply(s, leak, out=u)
        np.multiply(h0, 1 - leak, out=h)
        np.add(h, u, out=h)

    def down(dh: Array, a: Array, X: Array, e: Array, s: Array, h0: Array, leak: float) -> None:
        np.add(dh, e, out=dh)
        f.derivative(s, a, X)
        np.multiply(a, dh, out=a)
        np.multiply(a, leak, out=a)
        np.copyto(X, a)
        np.multiply(dh, 1 - leak, out=dh)

    def traced(decay: Array, gain: Array, local: Array, s: Array, h0: Array, leak: float) -> None:
        f.derivative(s, local, decay)
        np.multiply(local, leak, out=local)
        decay[...] = 1 - leak
        gain[...] = 1

    sent, slope = f"const T a = u + x; T h; {f.cuda} s = h;", f"const T h = s; T g; {f.cuda_derivative}"
    return Steps(
        Formula(f"leaky up {f.name}", "to s h0 x u", "leak", up,
                f"T r; {{ {sent} r = h; }} to = leak == 1 ? r : (1 - leak) * h0 + leak * r;", 2),
        Formula(f"leaky down {f.name}", "dh da X e s h0", "leak", down,
                f"const T d = dh + e; T k; {{ {slope} k = g; }} da = X = k * d * leak; dh = d * (1 - leak);", 3),
        Formula(f"leaky traced {f.name}", "decay gain local s h0", "leak", traced,
                f"{slope} local = leak * g; decay = 1 - leak; gain = 1;", 3),
    )  # fmt: skip


def _gru_up(
    h: Array, n: Array, r: Array, z: Array, q: Array, h0: Array, xn: Array, xr: Array, xz: Array, ur: Array, uz: Array,
    un: Array, c: Array,
) -> None:  # fmt: skip
    """h = n + z (h0 - n), n = tanh(xn + r q), q = un + c."""
    for gate, x, u in ((r, xr, ur), (z, xz, uz)):
        np.add(x, u, out=u)
        logistic(u, gate)
    np.add(un, c, out=q)
    np.multiply(r, q, out=un)
    np.add(un, xn, out=un)
    np.tanh(un, out=n)
    np.subtract(h0, n, out=h)
    np.multiply(h, z, out=h)
    np.add(h, n, out=h)


def _gru_down(
    dh: Array, an: Array, ar: Array, az: Array, aq: Array, Xn: Array, Xr: Array, Xz: Array, Xq: Array, e: Array,
    n: Array, r: Array, z: Array, q: Array, h0: Array,
) -> None:  # fmt: skip
    np.add(dh, e, out=dh)
    _gru_slopes(an, ar, az, aq, n, r, z, q, h0, dh)
    np.multiply(dh, z, out=dh)
    for X, a in ((Xn, an), (Xr, ar), (Xz, az), (Xq, aq)):
        np.copyto(X, a)


def _gru_traced(
    dn: Array, dr: Array, dz: Array, gn: Array, gr: Array, gz: Array, an: Array, ar: Array, az: Array, aq: Array,
    n: Array, r: Array, z: Array, q: Array, h0: Array,
) -> None:  # fmt: skip
    for decay, gain in ((dn, gn), (dr, gr), (dz, gz)):
        np.copyto(decay, z)
        gain[...] = 1
    _gru_slopes(an, ar, az, aq, n, r, z, q, h0)


def _gru_slopes(
    an: Array, ar: Array, az: Array, aq: Array, n: Array, r: Array, z: Array, q: Array, h0: Array, by: Any = 1.0
) -> None:
    """How far h goes with each of the sums, times `by`."""
    np.subtract(1, z, out=az)
    _of_tanh(n, an)
    np.multiply(an, az, out=an)
    np.multiply(an, by, out=an)
    np.multiply(az, z, out=az)
    np.subtract(h0, n, out=aq)
    np.multiply(az, aq, out=az)
    np.multiply(az, by, out=az)
    _of_logistic(r, ar)
    np.multiply(ar, q, out=ar)
    np.multiply(ar, an, out=ar)
    np.multiply(an, r, out=aq)


def _lstm_up(
    h: Array, c: Array, i: Array, f: Array, g: Array, o: Array, s: Array, h0: Array, c0: Array, xi: Array, xf: Array,
    xg: Array, xo: Array, ui: Array, uf: Array, ug: Array, uo: Array,
) -> None:  # fmt: skip
    """h = o s, s = tanh(c), c = f c0 + i g."""
    for gate, x, u in ((i, xi, ui), (f, xf, uf), (o, xo, uo)):
        np.add(x, u, out=u)
        logistic(u, gate)
    np.add(xg, ug, out=ug)
    np.tanh(ug, out=g)
    np.multiply(f, c0, out=c)
    np.multiply(i, g, out=ui)
    np.add(c, ui, out=c)
    np.tanh(c, out=s)
    np.multiply(o, s, out=h)


def _lstm_down(
    dh: Array, dc: Array, ai: Array, af: Array, ag: Array, ao: Array, Xi: Array, Xf: Array, Xg: Array, Xo: Array,
    e: Array, i: Array, f: Array, g: Array, o: Array, s: Array, h0: Array, c0: Array,
) -> None:  # fmt: skip
    np.add(dh, e, out=dh)
    _of_tanh(s, ai)
    np.multiply(ai, o, out=ai)
    np.multiply(ai, dh, out=ai)
    np.add(dc, ai, out=dc)
    _lstm_slopes(ai, af, ag, ao, i, f, g, o, s, c0, dh, dc)
    np.multiply(dc, f, out=dc)
    dh[...] = 0
    for X, a in ((Xi, ai), (Xf, af), (Xg, ag), (Xo, ao)):
        np.copyto(X, a)


def _lstm_traced(
    di: Array, df: Array, dg: Array, do: Array, gi: Array, gf: Array, gg: Array, go: Array, ai: Array, af: Array,
    ag: Array, ao: Array, i: Array, f: Array, g: Array, o: Array, s: Array, h0: Array, c0: Array,
) -> None:  # fmt: skip
    """The output gate has no trace: it is of its own step alone."""
    _of_tanh(s, gi)
    np.multiply(gi, o, out=gi)
    for decay, gain in ((di, gi), (df, gf), (dg, gg)):
        np.copyto(decay, f)
        np.copyto(gain, gi)
    do[...] = 0
    go[...] = 1
    _lstm_slopes(ai, af, ag, ao, i, f, g, o, s, c0)


def _lstm_slopes(
    ai: Array, af: Array, ag: Array, ao: Array, i: Array, f: Array, g: Array, o: Array, s: Array, c0: Array,
    by_h: Any = 1.0, by_c: Any = 1.0,
) -> None:  # fmt: skip
    """How far h goes with the sums of the output gate, times `by_h`, and c with those of the others, times `by_c`."""
    for gate, other, a, by in ((i, g, ai, by_c), (f, c0, af, by_c), (o, s, ao, by_h)):
        _of_logistic(gate, a)
        np.multiply(a, other, out=a)
        np.multiply(a, by, out=a)
    _of_tanh(g, ag)
    np.multiply(ag, i, out=ag)
    np.multiply(ag, by_c, out=ag)


def _of_logistic(h: Array, out: Array) -> None:
    """h (1 - h), its derivative by its value."""
    np.subtract(1, h, out=out)
    np.multiply(out, h, out=out)


def _of_tanh(h: Array, out: Array) -> None:
    """1 - h^2, likewise."""
    np.multiply(h, h, out=out)
    np.subtract(1, out, out=out)


def _trace(trace: Array, decay: Array, local: Array, x: Array, part: Array) -> None:
    np.multiply(trace, decay, out=trace)
    np.multiply(x, local, out=part)
    np.add(trace, part, out=trace)


def _logistic(x: str) -> str:
    return f"((T)0.5 + (T)0.5 * tanh((T)0.5 * ({x})))"


# fmt: off
TRACE = Formula("trace", "trace decay local x part", "", _trace, "trace = decay * trace + local * x;", 1)
GRU = Steps(
    Formula("gru up", "to n r z q h0 xn xr xz ur uz un c", "", _gru_up,
            f"r = {_logistic('xr + ur')}; z = {_logistic('xz + uz')}; q = un + c; n = tanh(xn + r * q);"
            "to = n + z * (h0 - n);", 5),
    Formula("gru down", "dh an ar az aq Xn Xr Xz Xq e n r z q h0", "", _gru_down,
            "const T d = dh + e; const T k = d * (1 - z) * (1 - n * n); an = Xn = k; aq = Xq = k * r;"
            "ar = Xr = k * q * r * (1 - r); az = Xz = d * (h0 - n) * z * (1 - z); dh = d * z;", 9),
    Formula("gru traced", "dn dr dz gn gr gz an ar az aq n r z q h0", "", _gru_traced,
            "dn = dr = dz = z; gn = gr = gz = 1; const T k = (1 - z) * (1 - n * n); an = k; aq = k * r;"
            "ar = k * q * r * (1 - r); az = (h0 - n) * z * (1 - z);", 10),
)
LSTM = Steps(
    Formula("lstm up", "to c i f g o s h0 c0 xi xf xg xo ui uf ug uo", "", _lstm_up,
            f"i = {_logistic('xi + ui')}; f = {_logistic('xf + uf')}; o = {_logistic('xo + uo')}; g = tanh(xg + ug);"
            "const T k = f * c0 + i * g; c = k; s = tanh(k); to = o * s;", 7),
    Formula("lstm down", "dh dc ai af ag ao Xi Xf Xg Xo e i f g o s h0 c0", "", _lstm_down,
            "const T d = dh + e; const T k = dc + d * o * (1 - s * s); ao = Xo = d * s * o * (1 - o);"
            "ai = Xi = k * g * i * (1 - i); af = Xf = k * c0 * f * (1 - f); ag = Xg = k * i * (1 - g * g);"
            "dc = k * f; dh = 0;", 10),
    Formula("lstm traced", "di df dg do_ gi gf gg go ai af ag ao i f g o s h0 c0", "", _lstm_traced,
            "di = df = dg = f; do_ = 0; gi = gf = gg = o * (1 - s * s); go = 1; ai = g * i * (1 - i);"
            "af = c0 * f * (1 - f); ag = i * (1 - g * g); ao = s * o * (1 - o);", 12),
)
# fmt: on
