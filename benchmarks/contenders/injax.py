"""What all contenders in JAX have: one jitted step, with donated parameters."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..start import Start
from ..works import Work


class InJax:
    """`gradient(parameters, x, y)` is of the shape of the parameters; `x` the samples as the net takes them."""

    def __init__(self, work: Work, start: Start, parameters: Any, x: Any, gradient: Callable) -> None:
        y, order = jnp.asarray(start.y), jnp.asarray(start.order)
        m, batches, lr = work.batch, len(start.order) // work.batch, start.lr

        def step(parameters: Any, done: int) -> Any:
            index = jax.lax.dynamic_slice(order, (done % batches * m,), (m,))
            slopes = gradient(parameters, x[index], y[index])
            return jax.tree.map(lambda p, g: p - lr * g, parameters, slopes)

        self.parameters, self.run, self.done = parameters, jax.jit(step, donate_argnums=0), 0

    def step(self) -> None:
        self.parameters = self.run(self.parameters, self.done)
        self.done += 1

    def synchronize(self) -> None:
        jax.block_until_ready(self.parameters)
