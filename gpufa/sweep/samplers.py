"""What draws the settings of trials, and what stops trials early."""

from typing import TYPE_CHECKING

import numpy as np

from .plan import Arm, Plan

if TYPE_CHECKING:
    import optuna


def sampler_of(plan: Plan, number: int) -> "optuna.samplers.BaseSampler":
    """What draws the settings of the trial of that number: of the same numbers for every rule and any worker."""
    from optuna.samplers import RandomSampler, TPESampler

    seed = int(np.random.SeedSequence([plan.seed, number]).generate_state(1)[0])
    return TPESampler(seed=seed, constant_liar=True) if plan.sampler == "tpe" else RandomSampler(seed=seed)


def pruner_of(plan: Plan, arm: Arm) -> "optuna.pruners.BasePruner":
    """What stops trials early, by epochs."""
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if plan.pruner == "hyperband":
        return HyperbandPruner(min_resource=max(1, plan.warmup), max_resource=max(1, arm.epochs))
    return MedianPruner(n_warmup_steps=plan.warmup) if plan.pruner == "median" else NopPruner()
