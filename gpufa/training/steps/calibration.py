"""Steps of true backprop among those of another rule (Caillon, Fagnou, Delattre & Allauzen 2026, "GrAPE")."""

from ...basics.errors import InvalidValue
from ...net.learner import Learner
from ...net.learning.rule import Rule
from ...rules.baselines.bp import BP
from ..course.progress import Progress


class Calibration:
    """In every `every`-th epoch the first batch's gradients of W and b are true backprop's, through the same optimizer;
    0 for never. What a rule trains of its own is left to the rule.

    Raises InvalidValue where that makes no sense for the net's rule. `nothing_new` where the rule's own gradients are
    backprop's.
    """

    def __init__(self, every: int, net: Learner) -> None:
        self.rule, sizes = net.rule, net.sizes
        self.nothing_new = type(self.rule) is BP or {*self.rule.trained(sizes)} == {sizes.L}
        if every:
            _check(self.rule, net)
        self.asked, self.every = every, 0 if self.nothing_new else every

    def due(self, progress: Progress) -> bool:
        """Whether the next step is one of them."""
        return progress.batch == 0 and self.steps(progress.epoch + 1) > self.steps(progress.epoch)

    def steps(self, epochs: int) -> int:
        """How many there are in so many epochs."""
        return epochs // self.every if self.every else 0

    def in_words(self, epochs: int, per_epoch: int) -> list[str]:
        """What is to be told of them before a run."""
        if not self.asked:
            return []
        if self.nothing_new:
            return [f"calibrate changes nothing for rule {self.rule.name!r}, whose own gradients are true backprop's"]
        n, found = self.every, self.steps(epochs)
        if not found:
            return [f"no step is true backprop: calibrate = {n} begins in epoch {n}, and the epochs are {epochs}"]
        which = "every epoch" if n == 1 else f"epochs {n}, {2 * n}, ..." if found > 1 else f"epoch {n}"
        return [f"{found:,} of {epochs * per_epoch:,} steps are true backprop: the first batch of {which}"]


def _check(rule: Rule, net: Learner) -> None:
    if not rule.feedforward:
        raise InvalidValue(
            f"rule {rule.name!r} does not train the feed-forward net that backprop would; leave --calibrate out"
        )
    if net.traces or net.window:
        what = "keep no steps in time that backprop could go back through" if net.traces else "take windows of time"
        raise InvalidValue(
            f"steps of rule {rule.name!r} {what}; leave --calibrate out"
            f"{', or set rule.by=history' if net.traces else ''}"
        )
    for k in net.sizes.hidden:
        if "derivative" not in net.sizes.offers(k):
            raise InvalidValue(
                f"true backprop does not pass block {k}, '{net.sizes.blocks[k - 1]}', whose derivative is zero; leave"
                " --calibrate out"
            )
