"""JAX: a jitted step with donated parameters, backprop by jax.grad, and DFA by a vjp of each block for itself.

Maps are NHWC, which XLA's convolutions are written for on a CPU. A batch norm's running means are left out.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gpufa.layers import Act, BatchNorm, Conv2d, Dense, GlobalMean, MaxPool, Residual, Shortcut, block
from gpufa.layers.chain import Chain
from gpufa.layers.maps.places import sides
from gpufa.layers.protocol.terms import Shape
from gpufa.layers.words import inputs

from ...start import Start
from ...works import Work
from ..injax import InJax

ORDER = "NHWC", "HWIO", "NHWC"
OIHW, HWIO = (3, 2, 0, 1), (2, 3, 1, 0)
NHWC, NCHW = (0, 2, 3, 1), (0, 3, 1, 2)
Given = dict[str, Iterator[Any]]


def _conv(layer: Conv2d, p: list, x: Any, shape: Shape) -> Any:
    seen = layer.windows(shape)
    y = lax.conv_general_dilated(x, p[0], seen.stride, seen.pad, dimension_numbers=ORDER)
    return y + p[1] if layer.bias else y


def _dense(layer: Dense, p: list, x: Any, shape: Shape) -> Any:
    x = x.transpose(NCHW).reshape(len(x), -1) if len(shape) > 1 else x
    return x @ p[0].T + p[1]


def _norm(layer: BatchNorm, p: list, x: Any, shape: Shape) -> Any:
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - mean) * lax.rsqrt(variance + layer.eps) * p[0] + p[1]


def _pool(layer: MaxPool, p: list, x: Any, shape: Shape) -> Any:
    size, stride = sides(layer.size), sides(layer.stride or layer.size)
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, *size, 1), (1, *stride, 1), "VALID")


def _shortcut(layer: Shortcut, p: list, x: Any, shape: Shape) -> Any:
    return jnp.pad(x[:, :: layer.stride, :: layer.stride], ((0, 0), (0, 0), (0, 0), (0, layer.n - shape[0])))


def _chain(layer: Chain, p: list, x: Any, shape: Shape) -> Any:
    for one, own in zip(layer.layers, p, strict=True):
        x, shape = above(one, own, x, shape), one.out(shape)
    return x


def _residual(layer: Residual, p: list, x: Any, shape: Shape) -> Any:
    inner, beside = p
    return _chain(layer, inner, x, shape) + (x if layer.shortcut is None else above(layer.shortcut, beside, x, shape))


ABOVE: dict[type, Callable[..., Any]] = {
    Conv2d: _conv,
    Dense: _dense,
    BatchNorm: _norm,
    MaxPool: _pool,
    GlobalMean: lambda layer, p, x, shape: x.mean((1, 2)),
    Act: lambda layer, p, x, shape: {"relu": jax.nn.relu, "tanh": jnp.tanh}[layer.name](x),
    Shortcut: _shortcut,
    Residual: _residual,
    Chain: _chain,
}
BEGIN: dict[type, Callable[[Any, Given], list]] = {
    Conv2d: lambda layer, given: [next(given["W"]), *([next(given["b"])] if layer.bias else [])],
    Dense: lambda layer, given: [next(given["W"]), next(given["b"])],
    BatchNorm: lambda layer, given: [next(given["g"]), next(given["b"])],
    Residual: lambda layer, given: [
        [begun(one, given) for one in layer.layers],
        [] if layer.shortcut is None else begun(layer.shortcut, given),
    ],
    Chain: lambda layer, given: [begun(one, given) for one in layer.layers],
}


def above(layer: Any, p: list, x: Any, shape: Shape) -> Any:
    """What a layer makes of x, maps of that shape."""
    return ABOVE[type(layer)](layer, p, x, shape)


def begun(layer: Any, given: Given) -> list:
    """A layer's parameters, of those that are given in the layers' order."""
    return BEGIN.get(type(layer), lambda layer, given: [])(layer, given)


class JaxNet(InJax):
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        jax.config.update("jax_platform_name", device)
        jax.config.update("jax_enable_x64", work.dtype == "float64")
        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if work.precision == "tf32" else "highest")
        shape, blocks = inputs(work.layers[0]), [block(word) for word in work.layers[1:]]
        assert shape
        shapes = [shape]
        for one in blocks:
            shapes.append(one.out(shapes[-1]))
        feedback, outputs = [jnp.asarray(B) for B in start.feedback], shapes[-1][0]
        given = {kind: iter(_arrays(start, kind)) for kind in "Wgb"}

        def loss(parameters, x, y):
            for one, p, shape in zip(blocks, parameters, shapes, strict=False):
                x = above(one, p, x, shape)
            return -jnp.mean(jax.nn.log_softmax(x)[jnp.arange(len(y)), y])

        def dfa(parameters, x, y):
            pulls = []
            for one, p, shape in zip(blocks, parameters, shapes, strict=False):
                x, pull = jax.vjp(lambda p, one=one, x=x, shape=shape: above(one, p, x, shape), p)
                pulls.append(pull)
            e = (jax.nn.softmax(x) - jax.nn.one_hot(y, outputs)) / len(x)
            errors = [(e @ B.T).reshape(len(x), *shape) for B, shape in zip(feedback, shapes[1:], strict=False)]
            errors = [d.transpose(NHWC) if d.ndim > 2 else d for d in errors]
            return [pull(d)[0] for pull, d in zip(pulls, [*errors, e], strict=True)]

        x = jnp.asarray(start.x.reshape(-1, *shape).transpose(NHWC))
        parameters = [begun(one, given) for one in blocks]
        super().__init__(work, start, parameters, x, jax.grad(loss) if rule == "bp" else dfa)

    def weights(self) -> list[np.ndarray]:
        found = [np.asarray(p) for p in jax.tree.leaves(self.parameters)]
        return [np.ascontiguousarray(p.transpose(OIHW)) if p.ndim == 4 else p for p in found if p.ndim > 1]


def _arrays(start: Start, kind: str) -> list[Any]:
    found = [p for name, p in start.parameters.items() if name[0] == kind]
    return [jnp.asarray(p.transpose(HWIO) if p.ndim == 4 else p) for p in found]


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> JaxNet:
    return JaxNet(work, start, rule, device)
