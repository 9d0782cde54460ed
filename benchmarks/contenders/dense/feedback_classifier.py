"""gpufa's own FeedbackClassifier, a batch at a time, as sklearn_nets.py has MLPClassifier."""

import numpy as np

from gpufa.sklearn import FeedbackClassifier

from ...start import Start
from ...works import Work


class SklearnFeedback:
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        if work.replicas > 1:
            raise NotImplementedError("not written for this work")
        self.start, self.size, self.done = start, work.batch, 0
        self.model = FeedbackClassifier(
            work.sizes[1:-1],
            rule=rule,
            optimizer=work.optimizer,
            learning_rate_init=start.lr,
            batch_size=work.batch,
            max_iter=0,
            random_state=0,
            dtype="float32",
            backend="cupy" if device == "gpu" else "numpy",
        )
        self.model.fit(start.x, start.y)
        net = self.model.network_
        for name, value in start.parameters.items():
            net.arena[name][...] = net.backend.to_device(value)
        for name, value in start.carriers.get(rule, {}).items():
            net.fixed[name][...] = net.backend.to_device(value)

    def step(self) -> None:
        index = self.start.batch(self.done, self.size)
        self.model.partial_fit(self.start.x[index], self.start.y[index])
        self.done += 1

    def synchronize(self) -> None:
        self.model.network_.backend.synchronize()

    def weights(self) -> list[np.ndarray]:
        net = self.model.network_
        return [net.backend.to_host(w)[0] for w in net.arena.W[1:]]


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> SklearnFeedback:
    return SklearnFeedback(work, start, rule, device)
