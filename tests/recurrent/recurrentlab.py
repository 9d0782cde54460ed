"""What tests of recurrent nets are made of: float64 trainers of a short copy task."""

import numpy as np

from gpufa.recurrent import CopyTask, RecurrentNet, RecurrentTrainer

TASK = CopyTask(length=2, delay=3, alphabet=3)  # 7 steps


def made(backend="numpy", window=None, synthetic=None, seeds=(0, 1), units=5, task=TASK, samples=6, loss=None, **kw):
    """A float64 trainer whose biases, and M with all its layers, are random too, with sequences drawn."""
    net = RecurrentNet(
        (task.inputs, units, task.outputs),
        synthetic=synthetic,
        loss=loss or "cross_entropy",
        seeds=seeds,
        dtype="float64",
        backend=backend,
    )
    for name, p in net.parameters.items():
        if name[0] in "bcMm":
            for r, seed in enumerate(seeds):
                draw = np.random.default_rng([seed, *name.encode()])
                p[r] = net.backend.to_device(draw.normal(0, 0.3, p.shape[1:]))
    trainer = RecurrentTrainer(net, task, window=window, samples=samples, **kw)
    trainer.sequences.draw(trainer.clock.step)
    return trainer


def host(trainer, array):
    return np.array(trainer.net.backend.to_host(array))


def values(trainer):
    return {name: host(trainer, p) for name, p in trainer.net.parameters.items()}


def close(found, expected, tolerance):
    """Equal for all that both have."""
    for name in found.keys() & expected.keys():
        np.testing.assert_allclose(found[name], expected[name], rtol=tolerance, atol=tolerance, err_msg=name)


def loss(trainer):
    """The sequences' mean loss, (R,)."""
    sequence = trainer.sequence
    sequence.sums.fill(0)
    sequence.forward(0, sequence.steps)
    return host(trainer, sequence.sums)[0] / sequence.m
