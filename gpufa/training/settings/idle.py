"""Settings that change nothing beside the others, of which a run tells before it begins."""

from collections.abc import Iterator

from ...functions.optimizers import OPTIMIZERS
from ...functions.optimizers import optimizer as find_optimizer
from ...functions.schedules import SCHEDULES
from ...net.learner import Learner
from .config import Config

READ = {"momentum": "momentum", "beta2": "beta2", "eps": "beta2"}  # by rows whose own one of these is not 0
BY_STEPS = "schedule_every", "schedule_gamma"  # of the step schedule alone, among those that gpufa ships


def idle(config: Config, net: Learner) -> Iterator[str]:
    """What is to be told of settings, all of them filled in, that change nothing."""
    row = find_optimizer(config.optimizer, config.parts)
    for name, by in READ.items():
        if row.name in OPTIMIZERS and not getattr(row, by) and getattr(config, name) != getattr(row, name):
            able = ", ".join(other.name for other in OPTIMIZERS.values() if getattr(other, by))
            yield (
                f"{name} = {getattr(config, name):g} changes nothing, as optimizer {row.name!r} has none; take one"
                f" of {able}, or leave --{name} out"
            )
    if config.schedule in SCHEDULES and config.schedule != "step":
        for name in BY_STEPS:
            if (value := getattr(config, name)) != getattr(type(config), name):
                yield (
                    f"{name} = {value:g} changes nothing under the schedule {config.schedule!r}; add --schedule step,"
                    f" or leave --{name.replace('_', '-')} out"
                )
    if not config.adversarial and config.adversarial_mix != type(config).adversarial_mix:
        yield (
            f"adversarial_mix = {config.adversarial_mix!r} changes nothing without --adversarial; add that, or leave"
            " --adversarial-mix out"
        )
    if not config.weight_decay and config.decay != row.decay:
        yield (
            f"decay = {config.decay!r} changes nothing, as weight decay is 0; add --weight-decay, or leave --decay out"
        )
    alone = [name for name, extra in net.extras.items() if extra.layer is None]
    if config.layer_lr and alone:
        yield (
            f"layer_lr has the rates of layers, and what rule {net.rule.name!r} trains beside them, {', '.join(alone)},"
            f" goes by --lr, {config.lr:g}"
        )
