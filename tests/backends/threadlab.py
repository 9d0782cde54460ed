"""What tests of threads are made of: trainers, their steps, and jobs in threads of their own."""

import threading

import numpy as np
from rulelab import values
from traininglab import DATA, config

from gpufa.training.trainer import Trainer


def started(rule="dfa", **kw):
    trainer = Trainer(config(rule=rule, optimizer="sgd", lr=0.1, **kw), DATA)
    trainer.begin_epoch()
    return trainer


def steps(trainer, n):
    for _ in range(n):
        trainer.step()
    return trainer


def expected(rule, n):
    return values(steps(started(rule), n).net)


def near(trainer, rule, n):
    for name, p in expected(rule, n).items():
        np.testing.assert_allclose(values(trainer.net)[name], p, rtol=1e-10, atol=1e-12)


def in_thread(job):
    """What the job gives, or raises, in a thread of its own."""
    found = []

    def work():
        try:
            found.append(job())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]
