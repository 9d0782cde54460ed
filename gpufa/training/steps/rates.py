"""The learning rates of a window's steps, which a recorded step reads from the clock."""

from ...basics.arguments import positive
from ...basics.errors import InvalidValue
from ...functions import schedules
from ...net.state.clock import Clock
from ..course.progress import Progress
from ..sets.batches import Batches
from ..settings.config import Config
from .update import Update


class Rates:
    """The schedule's, times `factor`, by which a callback has changed the learning rate."""

    def __init__(
        self, config: Config, batches: Batches, update: Update, clock: Clock, progress: Progress, epochs: int
    ) -> None:
        self.config, self.batches, self.update, self.clock, self.progress = config, batches, update, clock, progress
        self.total = (config.schedule_epochs or epochs) * batches.per_epoch
        self.factor = 1.0

    @property
    def base(self) -> float:
        """The rate before the schedule."""
        return (self.config.lr or 0.0) * self.factor

    def set(self, base: float) -> None:
        """Another rate before the schedule, from the next step on."""
        if self.config.layer_lr:
            raise InvalidValue("learning_rate is one for all layers, but layer_lr gives each its own; leave one out")
        self.factor = positive(base, "learning_rate") / (self.config.lr or 1.0)
        self.write()

    def write(self) -> None:
        """Write down those of the window that `progress` is in."""
        progress, config = self.progress, self.config
        mix = 2 if config.adversarial and config.adversarial_mix == "beside" else 1
        numbers, window = [], self.batches.window
        for batch in window:
            step = progress.step - progress.batch + batch
            factor = schedules.factor(
                config.schedule,
                step=step,
                steps_per_epoch=self.batches.per_epoch,
                total_steps=self.total,
                every=config.schedule_every,
                gamma=config.schedule_gamma,
                at=config.schedule_at,
                warmup=config.warmup,
                parts=config.parts,
            )
            numbers.append(self.update.numbers(factor * self.factor, step, mix * self.batches.counted(batch)))
        self.clock.set(progress.step, progress.batch - window.start, numbers)
