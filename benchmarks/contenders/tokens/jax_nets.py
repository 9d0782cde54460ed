"""JAX: a jitted step with donated parameters, backprop by jax.grad, and DFA by a vjp of each block for itself."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gpufa.layers import Act, Attention, Dense, Embed, LayerNorm, Positions, Residual, block
from gpufa.layers.chain import Chain
from gpufa.layers.protocol.terms import Shape

from ...start import Start
from ...works import Work
from ..injax import InJax
from .shared import ends_of, shapes_of


def _attention(layer: Attention, p: dict, x: Any) -> Any:
    m, length, d = x.shape
    made = (x @ p["W"].T + p["b"]).reshape(m, length, 3, layer.heads, d // layer.heads)
    q, k, v = (made[:, :, i] for i in range(3))
    mixed = jax.nn.dot_product_attention(q, k, v, is_causal=layer.causal)
    return mixed.reshape(m, length, d) @ p["U"].T + p["c"]


def _norm(layer: LayerNorm, p: dict, x: Any) -> Any:
    mean, variance = x.mean(2, keepdims=True), x.var(2, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + layer.eps) * p["g"] + p["b"]


ABOVE: dict[type, Callable[[Any, dict, Any], Any]] = {
    Embed: lambda layer, p, x: p["W"][x],
    Positions: lambda layer, p, x: x + p["P"].reshape(x.shape[2], x.shape[1]).T,
    LayerNorm: _norm,
    Attention: _attention,
    Dense: lambda layer, p, x: x @ p["W"].T + p["b"],
}


def above(layer: Any, parameters: list, x: Any) -> Any:
    """What a layer makes of x, (m, T) or (m, T, d); `parameters` are those of all layers in it."""
    if isinstance(layer, Act):
        return jax.nn.gelu(x, approximate=False)
    if not isinstance(layer, Chain):
        return ABOVE[type(layer)](layer, parameters[0], x)
    y, own = x, iter(parameters)
    for one in layer.layers:
        y = above(one, [next(own) for _ in range(learning(one))], y)
    return x + y if isinstance(layer, Residual) else y


def learning(layer: Any) -> int:
    """How many layers in it have parameters."""
    return sum(map(learning, layer.layers)) if isinstance(layer, Chain) else int(not isinstance(layer, Act))


class JaxNet(InJax):
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        jax.config.update("jax_platform_name", device)
        jax.config.update("jax_enable_x64", work.dtype == "float64")
        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if work.precision == "tf32" else "highest")
        blocks = [block(word) for word in work.layers[1:]]
        given = zip(blocks, shapes_of(work), ends_of(work), strict=True)
        parameters = [list(_begun(one, shape, ends, start)) for one, shape, ends in given]
        feedback = [jnp.asarray(B) for B in start.feedback]

        def loss(parameters, x, y):
            for one, p in zip(blocks, parameters, strict=True):
                x = above(one, p, x)
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), y[..., None], 2))

        def dfa(parameters, x, y):
            pulls = []
            for one, p in zip(blocks, parameters, strict=True):
                x, pull = jax.vjp(lambda p, one=one, x=x: above(one, p, x), p)
                pulls.append(pull)
            e = (jax.nn.softmax(x) - jax.nn.one_hot(y, x.shape[2])) / y.size
            errors = [*(e @ B.T for B in feedback), e]
            return [pull(d)[0] for pull, d in zip(pulls, errors, strict=True)]

        x = jnp.asarray(start.x.astype("int32"))
        super().__init__(work, start, parameters, x, jax.grad(loss) if rule == "bp" else dfa)

    def weights(self) -> list[np.ndarray]:
        return [np.asarray(own["W"]) for block in self.parameters for own in block if "W" in own]


def _begun(layer: Any, shape: Shape, ends: Iterator[str], start: Start) -> Iterator[dict[str, Any]]:
    """The parameters of all layers in it, in their order."""
    for one, own in layer.walk(shape):
        if names := one.parameters(own):
            end = next(ends)
            yield {name: jnp.asarray(start.parameters[name + end]) for name in names}


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> JaxNet:
    return JaxNet(work, start, rule, device)
