"""Gradients that come late: hidden layers descend those of some steps ago, with the error and the activity of then."""

from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.shape.layout import Layout


def queue(sizes: Layout, staleness: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the gradients that wait, for Rule.state."""
    own = {name: shape for k in sizes.hidden for name, shape in sizes.parameters[k].items()}
    in_order = sorted(own, key=lambda name: -len(own[name]))
    return {f"{name}_late{s}": own[name] for s in range(1, staleness + 1) for name in in_order}


def delay(net: Pass, grads: Gradients, staleness: int) -> None:
    """The gradients of this step's hidden layers join the queue, and the oldest take their place."""
    for name in (name for k in net.hidden for name in net.sizes.parameters[k]):
        fresh = grads.array(name)
        late = [net.state[f"{name}_late{s}"] for s in range(1, staleness + 1)]
        kept = net.array(f"fresh {name}", *fresh.shape[1:])
        kept[...] = fresh
        fresh[...] = late[-1]
        for older, newer in zip(late[:0:-1], late[-2::-1], strict=True):
            older[...] = newer
        late[0][...] = kept
