"""Steps of training, exactly: the rule's gradient, and every option that changes samples, rates or weights."""

import dataclasses

import numpy as np
import pytest
from traininglab import DATA, config, parameters, rng, same

import gpufa
from gpufa.data.samples.data import Data
from gpufa.training.trainer import Trainer


@pytest.mark.parametrize("gradient", ["mean", "sum"])
@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "ifa"])
def test_a_step_of_sgd_is_the_rules_gradient(rule, gradient):
    """Plain SGD accumulates straight into the weights; it must be W - lr * gradient."""
    trainer = Trainer(config(rule=rule, optimizer="sgd", lr=0.1, gradient=gradient, seeds=(3,), init="uniform"), DATA)
    trainer.begin_epoch()
    batch = trainer.batches.order[0, :16]
    before = {n: p.copy() for n, p in trainer.net.parameters.items()}
    gradients = trainer.net.gradients(DATA.x_train[batch], DATA.y_train[batch])
    trainer.step()
    factor = 16 if gradient == "sum" else 1
    expected = {n: before[n] - 0.1 * factor * g for n, g in gradients.items()}
    same(dict(trainer.net.parameters), expected, exact=False)


def test_sgd_with_a_vanishing_decay_takes_the_other_path_to_the_same_weights():
    plain = gpufa.train(config(optimizer="sgd", lr=0.1), DATA)
    decayed = gpufa.train(config(optimizer="sgd", lr=0.1, weight_decay=1e-300), DATA)
    same(parameters(plain), parameters(decayed), exact=False)


def test_every_epoch_sees_every_sample_once_in_an_order_of_its_own():
    trainer = Trainer(config(batch_size=16), DATA)
    seen = []
    for epoch in (0, 1):
        trainer.batches.start_epoch(epoch)
        sizes = [trainer.batches.samples(b) for b in range(trainer.batches.per_epoch)]
        assert sum(sizes) == 90
        assert sizes[-1] == 90 - 16 * 5
        seen.append(trainer.batches.order.copy())
    for order in (*seen[0], *seen[1]):
        np.testing.assert_array_equal(np.sort(order), np.arange(90))
    assert (seen[0] != seen[1]).any()
    assert (seen[0][0] != seen[0][1]).any()


def test_frozen_layers_keep_their_weights_under_every_optimizer():
    for optimizer in ("sgd", "momentum", "adamw"):
        run = gpufa.train(config(freeze=(1, 3), optimizer=optimizer, weight_decay=0.1, init="uniform"), DATA)
        start = Trainer(config(init="uniform"), DATA).net.parameters
        for name, p in parameters(run).items():
            assert (p == start[name]).all() == (name[1] in "13"), (optimizer, name)


def test_a_learning_rate_per_layer():
    start = Trainer(config(init="uniform"), DATA).net.parameters
    for decay in (0.0, 0.01):
        run = gpufa.train(config(optimizer="sgd", layer_lr=(0.0, 0.1, 0.2), init="uniform", weight_decay=decay), DATA)
        moved = {name: np.abs(p - start[name]).max() > 0 for name, p in parameters(run).items()}
        assert moved == {"W1": False, "b1": False, "W2": True, "b2": True, "W3": True, "b3": True}


def test_adversarial_samples_follow_the_true_gradient():
    """x + size * sign(dL/dx) by backpropagation, whatever the rule; beside: the clean samples come first."""
    settings = config(rule="dfa", adversarial=0.25, init="uniform", optimizer="sgd", lr=0.1, seeds=(1,), dropout=0.5)
    for mix, total in (("only", 16), ("beside", 32)):
        trainer = Trainer(dataclasses.replace(settings, adversarial_mix=mix), DATA)
        trainer.begin_epoch()
        index = trainer.batches.order[0, :16]
        x, y = DATA.x_train[index], DATA.y_train[index]
        net = trainer.net
        slope = np.empty_like(x)
        for at in np.ndindex(x.shape):
            bumped = x.copy()
            bumped[at] += 1e-6
            slope[at] = net.loss(bumped, y) - net.loss(x, y)
        trainer.step()
        (step,) = trainer._steps.values()
        np.testing.assert_allclose(step.x[0, -16:], x + 0.25 * np.sign(slope))
        assert step.x.shape[1] == total
        np.testing.assert_array_equal(step.p.y[0, :, -16:].argmax(0), y)
        if mix == "beside":
            np.testing.assert_array_equal(step.x[0, :16], x)


def test_dropout_hides_the_mask_from_the_derivative():
    """delta = mask / (1 - p) * (B e) * f'(h before dropout), and the next layer sees mask / (1 - p) * h."""
    trainer = Trainer(config(rule="dfa", dropout=0.4, init="uniform", seeds=(1,)), DATA)
    trainer.begin_epoch()
    net, before = trainer.net, {n: p.copy() for n, p in trainer.net.parameters.items()}
    trainer.step()
    (step,) = trainer._steps.values()
    p, mask = step.p, step.p.mask[0]
    assert set(np.unique(mask).round(3)) == {0, round(2**16 / (2**16 - round(0.4 * 2**16)), 3)}
    h1 = np.tanh(before["W1"] @ step.x[0].T + before["b1"][:, None])
    sent = mask[:8] * h1
    h2 = np.tanh(before["W2"] @ sent + before["b2"][:, None])
    a3 = before["W3"] @ (mask[8:] * h2) + before["b3"][:, None]
    e = np.exp(a3 - a3.max(0))
    e = e / e.sum(0) - step.p.y[0]
    np.testing.assert_allclose(p.e[0], e, rtol=1e-10)
    np.testing.assert_allclose(p.delta[1][0], mask[:8] * (net.feedback["B1"] @ e) * (1 - h1**2), rtol=1e-10)
    np.testing.assert_allclose(p.sent[1][0], sent, rtol=1e-12)


def test_label_noise_replaces_the_share_asked_for():
    data = Data(rng.normal(size=(4000, 3)), np.arange(4000) % 10, np.zeros((10, 3)), np.arange(10))
    trainer = Trainer(config(label_noise=0.3, seeds=(0, 1)), data)
    noisy = trainer.batches.y
    for row in noisy:
        assert abs((row != data.y_train).mean() - 0.27) < 0.03  # a tenth of the random labels is the old one
    assert (noisy[0] != noisy[1]).any()


def test_a_part_of_the_samples_has_its_share_of_every_class():
    small = Trainer(config(samples=40), DATA)
    x, y = small.train
    assert len(x) == len(y) == len(small.batches.x) == 40
    assert abs(np.bincount(y) - np.bincount(DATA.y_train) * 40 / len(DATA.y_train)).max() < 2
    taken = [np.flatnonzero((DATA.x_train == row).all(axis=1)) for row in x]
    assert len({int(i) for (i,) in taken}) == 40
    np.testing.assert_array_equal(x, Trainer(config(samples=40, rule="bp", seeds=(5,)), DATA).train[0])
    assert len(Trainer(config(samples=len(DATA.y_train)), DATA).train[0]) == len(DATA.y_train)
    with pytest.raises(gpufa.InvalidValue, match=r"samples = 5000 can't be taken of 90 .* give --samples from 3 to 90"):
        Trainer(config(samples=5000), DATA)
    with pytest.raises(gpufa.InvalidValue, match=r"samples = 2 can't be taken of 90 training samples of 3 classes"):
        Trainer(config(samples=2), DATA)
    assert np.bincount(Trainer(config(samples=3), DATA).train[1]).tolist() == [1, 1, 1]


def test_validation_samples_are_held_out_and_the_same_for_every_seed():
    run = gpufa.train(config(validation=0.2, patience=50), DATA)
    assert run.history.epochs["validation_error"].shape == (4, 3)
    trainer = Trainer(config(validation=0.2), DATA)
    assert len(trainer.held[0]) + len(trainer.train[0]) == 90
    assert len(trainer.held[0]) == 18
    both = np.concatenate([trainer.held[0], trainer.train[0]])
    assert len(np.unique(both, axis=0)) == 90
