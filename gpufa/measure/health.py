"""What to tell of a run that went through, but not well: units that died, a loss that rose out of all proportion."""

import numpy as np

from ..net.rule import Rule
from .history import History, newest

LOST = 50.0  # % of a layer's units that may be dead without a word
RISEN = 1e3  # times the first epoch's loss


def complaints(rule: Rule, history: History) -> list[str]:
    """One sentence for each thing that is wrong."""
    return [sentence for sentence in (_dead(rule, history), _risen(history)) if sentence]


def _dead(rule: Rule, history: History) -> str:
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
    return (
        f"hidden layer {k + 1} of seed {history.seeds[r]} has lost {share[r, k]:.0f} % of its units{others}: their f'"
        " is 0 for every sample of the probe, and no error reaches their weights; lower --lr, or take --activation"
        " leaky_relu"
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
