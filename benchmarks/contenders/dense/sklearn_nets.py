"""scikit-learn's MLPClassifier, a batch at a time."""

import numpy as np
from sklearn.neural_network import MLPClassifier

from ...start import Start
from ...works import Work


class SklearnNet:
    def __init__(self, work: Work, start: Start, device: str) -> None:
        if work.replicas > 1 or device == "gpu":
            raise NotImplementedError("not written for this work")
        if work.optimizer != "sgd":
            raise NotImplementedError("it has no RMSprop, and its Adam has eps elsewhere")
        self.start, self.size, self.done = start, work.batch, 0
        self.net = MLPClassifier(
            work.sizes[1:-1],
            activation="tanh",
            solver=work.optimizer,
            alpha=0.0,
            batch_size=work.batch,
            learning_rate_init=start.lr,
            momentum=0.0,
            nesterovs_momentum=False,
            shuffle=False,
        )
        self.classes = np.arange(work.sizes[-1])
        first = start.batch(0, work.batch)
        self.net.partial_fit(start.x[first], start.y[first], classes=self.classes)
        self.net.coefs_ = [w.T.copy() for w in start.weights]
        self.net.intercepts_ = [b.copy() for b in start.biases]
        del self.net._optimizer  # made anew, for these weights

    def step(self) -> None:
        index = self.start.batch(self.done, self.size)
        self.net.partial_fit(self.start.x[index], self.start.y[index], classes=self.classes)
        self.done += 1

    def synchronize(self) -> None:
        pass

    def weights(self) -> list[np.ndarray]:
        return [w.T for w in self.net.coefs_]


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> SklearnNet:
    return SklearnNet(work, start, device)
