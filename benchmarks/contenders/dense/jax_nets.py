"""JAX: a jitted step with donated parameters, backprop by jax.grad and DFA by hand."""

import jax
import jax.numpy as jnp
import numpy as np

from ...start import Start
from ...works import Work
from ..injax import InJax


class JaxNet(InJax):
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        if work.replicas > 1 or work.optimizer != "sgd":
            raise NotImplementedError("not written for this work")
        jax.config.update("jax_platform_name", device)
        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if work.precision == "tf32" else "highest")
        feedback, outputs = [jnp.asarray(B) for B in start.feedback], work.sizes[-1]

        def forward(parameters, x):
            h = [x]
            for w, b in parameters[:-1]:
                h.append(jnp.tanh(h[-1] @ w.T + b))
            w, b = parameters[-1]
            return h, h[-1] @ w.T + b

        def loss(parameters, x, y):
            _, a = forward(parameters, x)
            return -jnp.mean(jax.nn.log_softmax(a)[jnp.arange(len(y)), y])

        def dfa(parameters, x, y):
            h, a = forward(parameters, x)
            e = (jax.nn.softmax(a) - jax.nn.one_hot(y, outputs)) / len(x)
            deltas = [*((e @ B.T) * (1 - own * own) for B, own in zip(feedback, h[1:], strict=True)), e]
            return [(d.T @ below, d.sum(0)) for d, below in zip(deltas, h, strict=True)]

        parameters = [(jnp.asarray(w), jnp.asarray(b)) for w, b in zip(start.weights, start.biases, strict=True)]
        super().__init__(work, start, parameters, jnp.asarray(start.x), jax.grad(loss) if rule == "bp" else dfa)

    def weights(self) -> list[np.ndarray]:
        return [np.asarray(w) for w, _ in self.parameters]


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> JaxNet:
    return JaxNet(work, start, rule, device)
