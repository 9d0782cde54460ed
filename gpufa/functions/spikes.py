"""One step in time of spiking units, up, down, and of what their traces are made of, as in cells.py.

Of a unit that spiked, z0 = 1, the potential v is brought down by the threshold, or begins from zero again; with
adaptation a it has a higher threshold for a while; for some steps it can't spike again, in which it learns nothing:

v  = decay v0 + x + u - threshold z0        or  decay v0 (1 - z0) + x + u
a  = rho a0 + z0
z  = 1 where v > threshold + beta a and r0 is 0, r being how many steps it still can't
psi = dz/dv, by a row of surrogates.py, kept of each step: height f(width (v - threshold - beta a))

beta is an array, (1, n, 1) or of one number for all units; a unit whose beta is 0 is one without a.

On the way down dz is what arrives at z. Its own earlier spike has brought v down; that goes back as through a recurrent
weight of -threshold, so that `open` is 1 where errors go back through U, else 0. Through a it always goes.
"""

from functools import cache
from typing import Any

import numpy as np

from .cells import Steps
from .formulas import Formula
from .surrogates import Surrogate

Array = Any


@cache
def spiking(surrogate: Surrogate, zero: bool, adaptive: bool) -> Steps:
    """By what stands in for a spike's derivative, whether the potential begins from zero again, and whether there is
    a."""

    def up(*arrays: Array, **n: float) -> None:
        z, v, *a, r, psi, z0, v0 = arrays[: 6 + adaptive]
        *a0, r0, x, u = arrays[6 + adaptive : 9 + 2 * adaptive]
        np.multiply(v0, n["decay"], out=v)
        if zero:
            np.subtract(1, z0, out=psi)
            np.multiply(v, psi, out=v)
        else:
            np.multiply(z0, n["threshold"], out=psi)
            np.subtract(v, psi, out=v)
        np.add(v, x, out=v)
        np.add(v, u, out=v)
        np.subtract(v, n["threshold"], out=u)
        for own, before in zip(a, a0, strict=True):
            np.multiply(before, n["rho"], out=own)
            np.add(own, z0, out=own)
            np.multiply(own, arrays[-1], out=psi)
            np.subtract(u, psi, out=u)
        np.multiply(u, n["width"], out=psi)
        surrogate.value(psi)
        np.multiply(psi, n["height"], out=psi)
        np.less_equal(r0, 0, out=r)
        np.multiply(psi, r, out=psi)
        np.greater(u, 0, out=z)
        np.multiply(z, r, out=z)
        np.multiply(z, n["refractory"], out=u)
        np.add(r0, u, out=r)
        np.subtract(r, 1, out=r)
        np.maximum(r, 0, out=r)

    def down(*arrays: Array, **n: float) -> None:
        dz, dv, *da, dr, own, X, e, psi, z0, v0 = arrays[: 9 + adaptive]
        np.add(dz, e, out=dz)
        np.multiply(dz, psi, out=own)
        np.add(dv, own, out=dv)
        for one in da:
            np.multiply(own, arrays[-1], out=own)
            np.subtract(one, own, out=one)
        np.copyto(own, dv)
        np.copyto(X, dv)
        if zero:
            np.multiply(dv, v0, out=dz)
            np.multiply(dz, -n["open"] * n["decay"], out=dz)
            np.multiply(dv, z0, out=dr)
            np.subtract(dv, dr, out=dv)
        else:
            np.multiply(dv, -n["open"] * n["threshold"], out=dz)
        np.multiply(dv, n["decay"], out=dv)
        for one in da:
            np.add(dz, one, out=dz)
            np.multiply(one, n["rho"], out=one)
        dr[...] = 0

    def traced(*arrays: Array, **n: float) -> None:
        keep, gain, local, psi, z0, *_ = arrays
        keep[...] = n["decay"]
        if zero:
            np.multiply(z0, n["decay"], out=gain)
            np.subtract(keep, gain, out=keep)
        np.copyto(gain, psi)
        local[...] = 1

    a, a0, da, beta = ("a ", "a0 ", "da ", " beta") if adaptive else ("", "", "", "")
    brought = "decay * v0 * (1 - z0)" if zero else "decay * v0 - threshold * z0"
    through = "decay * v0" if zero else "threshold"
    name = f"{'alif' if adaptive else 'lif'} {surrogate.name}{' zero' * zero}"
    return Steps(
        Formula(f"{name} up", f"z v {a}r psi z0 v0 {a0}r0 in u{beta}", "decay threshold refractory height width rho",
                up,
                f"const T now = {brought} + in + u; T above = now - threshold;"
                + ("const T adapted = rho * a0 + z0; above -= beta * adapted; a = adapted;" if adaptive else "")
                + f"const T able = r0 <= 0; T f; {{ const T x = width * above; {surrogate.cuda} }}"
                "const T spike = above > 0 ? able : (T)0; v = now; z = spike; psi = able * height * f;"
                "r = fmax((T)0, r0 + refractory * spike - 1);", 4 + adaptive),
        Formula(f"{name} down", f"dz dv {da}dr own X e psi z0 v0 {a0}r0{beta}", "decay threshold rho open", down,
                "const T d = (dz + e) * psi; const T g = dv + d; own = X = g;"
                + ("const T b = da - beta * d; da = rho * b;" if adaptive else "const T b = 0;")
                + f"dz = b - open * {through} * g; dv = decay * g{' * (1 - z0)' * zero}; dr = 0;", 5 + adaptive),
        Formula(f"{name} traced", f"keep gain local psi z0 v0 {a0}r0", "decay", traced,
                f"keep = decay{' * (1 - z0)' * zero}; gain = psi; local = 1;", 3),
    )  # fmt: skip


def _adapted(keep: Array, psi: Array, beta: Array, rho: float, **_: float) -> None:
    """rho - beta psi."""
    np.multiply(psi, beta, out=keep)
    np.subtract(rho, keep, out=keep)


def _lowered(signal: Array, beta: Array) -> None:
    """-beta signal."""
    np.multiply(signal, beta, out=signal)
    np.negative(signal, out=signal)


def _leaked(out: Array, before: Array, x: Array, keep: float) -> None:
    """keep * before + (1 - keep) * x; before may be out."""
    np.subtract(before, x, out=out)
    np.multiply(out, keep, out=out)
    np.add(out, x, out=out)


ADAPTED = Formula("adapted", "keep psi beta", "rho", _adapted, "keep = rho - beta * psi;", 1)
LOWERED = Formula("lowered", "signal beta", "", _lowered, "signal = -beta * signal;", 1)
LEAKED = Formula("leaked", "to before x", "keep", _leaked, "to = keep * (before - x) + x;", 1)
