"""gpufa's own FeedbackClassifier, a batch at a time, as sklearn_nets.py has MLPClassifier."""

import numpy as np

from gpufa.sklearn import FeedbackClassifier

from ..works import Start, Work


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
        for k, (w, b) in enumerate(zip(start.weights, start.biases, strict=True), start=1):
            net.arena.W[k][...] = net.backend.to_device(w)
            net.arena.b[k][...] = net.backend.to_device(b)
        for k, matrix in enumerate(start.feedback if rule == "dfa" else (), start=1):
            net.fixed.B[k][...] = net.backend.to_device(matrix)

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
