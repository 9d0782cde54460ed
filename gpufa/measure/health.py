"""What to tell of a run: before it, of data that nets don't learn from well; after it, of what did not go well."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.samples.data import has_labels
from ..data.samples.scaling import Scaling
from ..net.learner import Learner
from ..net.learning.rule import Rule
from .history import History, newest

LOST = 50.0  # % of a layer's units that may be dead without a word
RISEN = 1e3  # times the first epoch's loss
# Measured with dfa and bp, tanh and relu: digits learn as well with inputs up to 30 times as large, and normal classes
# of iris's means and deviations up to 10 times (a root mean square of 24 and 59), but not at 255 and 100 times; an
# error of 1 to 5 % on these, standardised, is one of 19 to 20 % with half of the features 30 times as small. Of MNIST
# and the digits the root mean squares are below 1, and the ranges' ratio is 1.1 at most.
WIDE = 60.0  # root mean square of a feature's values
UNEVEN = 30.0  # the largest range of a feature over a quarter's largest
BYTE = 255
UNIT = 2.0  # above what a mean and a deviation, or a least value and a range, of numbers from 0 to 1 come to
# Of a sum of two functions, with deviation 1 and mean 0, dfa and bp explain 94 to 98 % after 40 epochs, tanh and relu;
# with a mean of 3 deviations 65 to 93 %, of 10 at most 56 %; 30 times as large 70 to 87 %, 60 times 57 to 75 %, and a
# hundredth as large at most 68 %.
OFFSET = 5.0  # absolute mean of a target over its deviation
LARGE, SMALL = 30.0, 0.03  # root mean squares of a target's values
LOOK = 2000  # samples that are looked at, about
UNMOVED, STEPS = 0.99, 100  # share of that of guessing that the loss is still, after so many steps


class Fault(NamedTuple):
    """What is wrong, "" where nothing is, and the flag that helps, "" where none does."""

    what: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.what}; nets learn better with {self.remedy}" if self.remedy else self.what


def unscaled(x: NDArray) -> Fault:
    """What is wrong with the size of raw inputs, (samples, features)."""
    x = x[:: max(1, len(x) // LOOK)].astype(np.float64)
    low, high, size = x.min(axis=0), x.max(axis=0), np.sqrt(np.square(x).mean(axis=0))
    j = int(size.argmax())
    if _as_bytes(x):
        return Fault("the inputs are whole numbers from 0 to 255, as bytes are", "--scaling unit")
    if size[j] > WIDE:
        span = f"{low[j]:.4g} to {high[j]:.4g} in column {j} (counted from 0)"
        return Fault(f"the inputs have a wide range: {span}", "--scaling standard")
    ranges = (high - low)[high > low]
    if len(ranges) and ranges.max() > UNEVEN * (least := np.quantile(ranges, 0.25, method="lower")):
        spans = f"{ranges.max():.4g} in one column, {least:.4g} or less in a quarter of them"
        return Fault(f"the inputs have uneven ranges: {spans}", "--scaling standard")
    return Fault()


def unfilled(x: NDArray, word: str) -> Fault:
    """What is wrong with numbers of tokens, (samples, T), that `word` says nothing fills up in: one of them stands at
    the ends of samples, more often in some, and before no other."""
    x = x[:: max(1, len(x) // LOOK)]
    for token in np.unique(x[:, -1]):
        there = x == token
        most, least = there.sum(axis=1).max(), there.sum(axis=1).min()
        if most > 1 and most > least and not (there[:, :-1] & ~there[:, 1:]).any():
            ended = f"{there[:, -1].sum()} of {len(x)} samples that were looked at, up to {most} times over"
            what = f"token {token:g} ends {ended}, and stands before no other, as if it filled up"
            return Fault(what, f'--layers "{word} pad {token:g}"')
    return Fault()


def _as_bytes(x: NDArray) -> bool:
    """Whether float64 numbers are whole ones from 0 to 255, and in one column large."""
    whole = x.min() >= 0 and x.max() <= BYTE and np.array_equal(x, np.floor(x))
    return bool(whole and np.sqrt(np.square(x).mean(axis=0)).max() > WIDE)


def of_another_unit(x: NDArray, scaling: Scaling | None, pixels: bool) -> str:
    """Why raw inputs, (samples, features), are not in the unit of those that a net was trained on: bytes where those
    were numbers from 0 to 1, or the reverse; "" where nothing says so. What those were like is known by their
    `scaling`, or where they are `pixels` from 0 to 1."""
    if not len(x) or not (scaling or pixels) or (scaling and scaling.rows is not None):
        return ""
    x = x[:: max(1, len(x) // LOOK)].astype(np.float64)
    reach = np.ones(1)
    if scaling:
        varied = scaling.factor > 0
        reach = np.abs(scaling.shift[varied]) + 1 / scaling.factor[varied]
    if _as_bytes(x) and reach.max(initial=0) <= UNIT:
        return "whole numbers from 0 to 255, as bytes are, and the net was trained on numbers from 0 to 1"
    if x.min() >= 0 and x.max() <= 1 and len(reach) and np.median(reach) > UNIT:
        return "numbers from 0 to 1, and the net was trained on larger ones, such as bytes"
    return ""


def unscaled_targets(y: NDArray) -> Fault:
    """What is wrong with the size of real targets, (samples, outputs); nothing with those that are all the same."""
    y = y.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation, size = y.mean(axis=0), y.std(axis=0), np.sqrt(np.square(y).mean(axis=0))
    far = (np.abs(mean) > OFFSET * deviation) | (size > LARGE) | (size < SMALL)
    if not (far & (deviation > 0)).any():
        return Fault()
    j = int((far & (deviation > 0)).argmax())
    span = f"{mean[j]:.4g} ± {deviation[j]:.4g} in output {j} (counted from 0)"
    return Fault(f"the targets are far from mean 0 and deviation 1: {span}", "--target-scaling standard")


def guessing(targets: NDArray) -> float:
    """The cross-entropy of guessing labels by their shares: ln(classes) where they are equally frequent; infinite where
    the targets are no labels."""
    if not has_labels(targets):
        return np.inf
    there = targets if targets.ndim == 1 else targets[targets >= 0]
    shares = np.bincount(there) / len(there)
    return float(-(shares * np.log(shares, where=shares > 0, out=np.zeros_like(shares))).sum())


def complaints(
    rule: Rule,
    history: History,
    net: Learner | None = None,
    remedy: str = "",
    chance: float = np.inf,
    frozen: Collection[int] = (),
) -> list[str]:
    """One sentence for each thing that is wrong; `remedy` is what was advised for the data, and helps first, `chance`
    the cross-entropy of guessing classes by their shares, `frozen` the layers that keep their weights."""
    found = [(net and _zero(history, net, frozen)) or _dead(rule, history, remedy), _risen(history)]
    found += [_unmoved(history, net, remedy, chance)] if net else []
    return [sentence for sentence in found if sentence]


def _zero(history: History, net: Learner, frozen: Collection[int]) -> str:
    """Where trained weights of a hidden layer are all zero still, when each layer has had a step to move in. Silent
    where the rule trains something else."""
    if not len(history.epochs) or history.epochs["step"][-1] <= net.sizes.L:
        return ""
    for k in sorted({*net.sizes.hidden} & {*net.rule.trained(net.sizes)} - {*frozen}):
        for name in net.sizes.matrices(k):
            host = net.backend.to_host(net.arena[name])
            for r, seed in enumerate(net.seeds):
                if net.rule.feedforward and not host[r].any():
                    return (
                        f"{name} of seed {seed} is zero still: rule {net.rule.name!r} can't leave zero weights here;"
                        " add --init uniform"
                    )
    return ""


def _unmoved(history: History, net: Learner, remedy: str, chance: float) -> str:
    """Where a net of classes has learnt nothing but how frequent they are, of which `chance` is the loss."""
    if (
        not chance
        or net.output_loss.name != "cross_entropy"
        or not len(history.epochs)
        or history.epochs["step"][-1] < STEPS
    ):
        return ""
    last = newest(history.epochs["loss"])
    stuck = last > UNMOVED * chance
    if not stuck.any():
        return ""
    r = int(stuck.argmax())
    advice = remedy or ("add --init uniform" if net.from_zero else "try another --lr, or --scaling standard")
    return (
        f"seed {history.seeds[r]} has learnt nothing: its training loss is {last[r]:.4g}, and that of guessing among"
        f" {net.sizes.at_place} classes, as frequent as they are, is {chance:.4g}; {advice}"
    )


def _dead(rule: Rule, history: History, remedy: str = "") -> str:
    """Where the worst layer lies. Silent for rules that learn without f', or train another net than the feed-forward
    one."""
    if not ("derivative" in rule.needs and rule.feedforward) or "dead" not in history.probes:
        return ""
    share = np.nan_to_num(newest(history.probes["dead"]))
    many = int((share > LOST).sum())
    if not many:
        return ""
    r, k = np.unravel_index(share.argmax(), share.shape)
    others = f", and {many - 1} more have lost over {LOST:g} %" if many > 1 else ""
    advice = f"{remedy}, or else lower --lr" if remedy else "lower --lr, or take --activation leaky_relu"
    return (
        f"hidden layer {k + 1} of seed {history.seeds[r]} has lost {share[r, k]:.0f} % of its units{others}: their f'"
        " is 0 for every sample of the probe, and no error reaches their weights;"
        f" {advice}"
    )


def _risen(history: History) -> str:
    if "loss" not in history.epochs:
        return ""
    first, last = history.epochs["loss"][0], newest(history.epochs["loss"])
    with np.errstate(all="ignore"):
        factor = np.nan_to_num(last / first, posinf=0.0)
    r = factor.argmax()
    if factor[r] < RISEN:
        return ""
    return (
        f"the training loss of seed {history.seeds[r]} rose from {first[r]:.3g} in its first epoch to {last[r]:.3g} in"
        " its last; lower --lr, or bound the gradient with --clip"
    )
