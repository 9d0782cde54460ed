"""The training loop: exact steps, replicas, options, stop rules, divergence, resume, allocation."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
from traininglab import DATA, OPTIONS, Poison, config, parameters, rng, same

import gpufa
from gpufa.data.datasets import Data
from gpufa.training.trainer import Trainer


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_replica_is_its_single_run(options):
    many = gpufa.train(config(**options), DATA)
    for r, seed in enumerate(many.network.seeds):
        one = gpufa.train(config(**options, seeds=(seed,)), DATA)
        same({n: p[r] for n, p in parameters(many).items()}, parameters(one), exact=False)
        np.testing.assert_allclose(
            many.history.epochs["test_loss"][:, r], one.history.epochs["test_loss"][:, 0], rtol=1e-9
        )
        np.testing.assert_allclose(
            many.history.probes["per_sample"][:, r], one.history.probes["per_sample"][:, 0], rtol=1e-6
        )


def test_seeds_differ_from_each_other():
    p = parameters(gpufa.train(config(), DATA))["W1"]
    assert np.abs(p[0] - p[1]).max() > 1e-3


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


def test_patience_stops_each_replica_by_itself():
    settings = config(validation=0.3, patience=2, epochs=60, optimizer="adam", lr=0.02)
    run = gpufa.train(settings, DATA)
    epochs, error = run.summary["epochs_per_seed"], run.history.epochs["validation_error"]
    assert set(run.summary["status"]) == {"patience"}
    assert len(set(epochs)) > 1
    for r, n in enumerate(epochs):
        best = np.argmin(error[:n, r])
        assert n == best + 1 + 2
        assert np.isnan(error[n:, r]).all()
        one = gpufa.train(dataclasses.replace(settings, seeds=(r,)), DATA)
        assert one.summary["epochs_per_seed"] == [n]
        same({k: p[r] for k, p in parameters(run).items()}, parameters(one), exact=False)


def test_noklands_stop_rule():
    run = gpufa.train(config(epochs=60, stop_train_error=20.0, optimizer="adam", lr=0.01, seeds=(0, 1)), DATA)
    assert run.summary["status"] == ["train_error"] * 2
    for r, n in enumerate(run.summary["epochs_per_seed"]):
        smoothed, curve = None, []
        for error in run.history.epochs["running_error"][:n, r]:
            smoothed = error if smoothed is None else 0.75 * smoothed + 0.25 * error
            curve.append(smoothed)
        assert curve[-1] <= 20.0 < min(curve[:-1])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_diverged_replica_stops_and_gets_its_last_good_state_back_while_others_go_on(tmp_path, optimizer):
    settings = config(optimizer=optimizer, lr=0.01)
    clean = gpufa.train(settings, DATA)
    poison = Poison(1, 2)
    run = gpufa.train(dataclasses.replace(settings, out=str(tmp_path / "run")), DATA, callbacks=[poison])
    assert run.diverged
    assert run.summary["status"] == ["running", "diverged", "running"]
    assert run.summary["epochs_per_seed"] == [4, 2, 4]
    for name, p in parameters(run).items():
        np.testing.assert_array_equal(p[[0, 2]], parameters(clean)[name][[0, 2]])
        np.testing.assert_array_equal(p[1], poison.good[f"parameters/{name}"])
    again = gpufa.load(tmp_path / "run")
    np.testing.assert_array_equal(again.parameters["W2"], run.network.parameters["W2"])
    assert np.isnan(run.history.epochs["test_error"][2:, 1]).all()


def test_divergence_without_a_folder_and_of_every_replica_ends_the_run():
    run = gpufa.train(config(optimizer="sgd", lr=1e300, activation="relu", epochs=50), DATA)
    assert run.summary["status"] == ["diverged"] * 3
    assert run.summary["test_loss"] == run.summary["test_error"] == [None] * 3
    assert run.summary["epochs"] < 3


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, RuntimeError])
def test_an_error_in_a_step_leaves_the_last_whole_checkpoint(tmp_path, trouble):
    class Trouble(gpufa.Callback):
        def on_step(self, trainer):
            if trainer.progress.step == 8:
                trainer.net.parameters["W1"][...] = 7  # a step that is half done
                raise trouble

    with pytest.raises(trouble):
        gpufa.train(config(out=str(tmp_path / "cut")), DATA, callbacks=[Trouble()])
    whole = gpufa.train(config(), DATA)
    same(parameters(gpufa.resume(tmp_path / "cut", data=DATA)), parameters(whole))


def test_two_runs_of_the_same_settings_leave_the_same_checkpoint_but_for_the_times(tmp_path):
    from gpufa.checkpoints import hdf5

    found = []
    for name in "ab":
        gpufa.train(config(out=str(tmp_path / name)), DATA)
        arrays, metadata = hdf5.read(tmp_path / name / "checkpoint.h5")
        del arrays["history/epochs/seconds"], metadata["config"]["out"]
        found.append((arrays, metadata))
    assert found[0][1] == found[1][1]
    same(found[0][0], found[1][0])


def test_no_epochs_at_all_leave_the_net_as_it_was_drawn(tmp_path):
    run = gpufa.train(config(epochs=0, init="uniform", out=str(tmp_path)), DATA)
    start = Trainer(config(init="uniform"), DATA).net.parameters
    same(parameters(run), dict(start))
    assert (tmp_path / "curves.png").exists()
    same(parameters(gpufa.resume(tmp_path, epochs=4, data=DATA)), parameters(gpufa.train(config(init="uniform"), DATA)))


class Stop(gpufa.Callback):
    """Asks the run to stop after a step, as Ctrl-C does."""

    def __init__(self, step):
        self.at = step

    def on_step(self, trainer):
        trainer.stop_requested |= trainer.progress.step == self.at


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_resume_is_bit_for_bit(tmp_path, options):
    """3 + 3 epochs equal 6, and so does a run stopped in the middle of an epoch."""
    settings = config(**options, epochs=6)
    whole = gpufa.train(settings, DATA)
    halves = dataclasses.replace(settings, epochs=3, out=str(tmp_path / "halves"))
    gpufa.train(halves, DATA)
    cut = gpufa.train(dataclasses.replace(settings, out=str(tmp_path / "cut")), DATA, callbacks=[Stop(9)])
    assert cut.interrupted
    for resumed in (
        gpufa.resume(tmp_path / "halves", epochs=6, data=DATA),
        gpufa.resume(tmp_path / "cut", data=DATA),
    ):
        same(parameters(resumed), parameters(whole))
        for table in ("epochs", "probes"):
            ours, theirs = getattr(resumed.history, table), getattr(whole.history, table)
            assert list(ours) == list(theirs)
            for name in set(ours) - {"seconds"}:
                np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_resuming_a_finished_run_trains_nothing(tmp_path):
    run = gpufa.train(config(out=str(tmp_path)), DATA)
    before = (tmp_path / "checkpoint.h5").read_bytes()
    again = gpufa.resume(tmp_path, data=DATA)
    assert again.already_finished
    assert (tmp_path / "checkpoint.h5").read_bytes() == before
    same(parameters(again), parameters(run))


def test_the_checkpoint_stands_before_the_first_step(tmp_path):
    class Look(gpufa.Callback):
        def on_step(self, trainer):
            if trainer.progress.step == 1:
                self.found = gpufa.load(tmp_path / "checkpoint.h5").parameters["W1"].copy()

    look = Look()
    settings = config(out=str(tmp_path), init="uniform")
    gpufa.train(settings, DATA, callbacks=[look])
    np.testing.assert_array_equal(look.found, Trainer(settings, DATA).net.parameters["W1"])


def test_changed_data_and_foreign_checkpoints_are_refused(tmp_path):
    gpufa.train(config(out=str(tmp_path / "a")), DATA)
    changed = DATA._replace(x_train=DATA.x_train + 1e-6)
    with pytest.raises(gpufa.InvalidValue, match="have changed since"):
        gpufa.resume(tmp_path / "a", data=changed)
    with pytest.raises(gpufa.InvalidValue, match="trained on arrays of a program"):
        gpufa.resume(tmp_path / "a")
    with pytest.raises(gpufa.FileProblem, match="holds a run already"):
        gpufa.train(config(out=str(tmp_path / "a")), DATA)
    gpufa.train(config(out=str(tmp_path / "a")), DATA, force=True)
    gpufa.save(gpufa.Network([3, 2], rule="bp", backend="numpy"), tmp_path / "net.h5")
    with pytest.raises(gpufa.FileProblem, match="holds a network without its training"):
        gpufa.resume(tmp_path / "net.h5", data=DATA)


def test_real_valued_targets_are_scored_by_r2_and_rmse():
    x = rng.normal(size=(200, 5))
    y = np.tanh(x @ rng.normal(size=(5, 2)))
    run = gpufa.train(config(rule="bp", epochs=40, lr=0.01, scaling="standard"), (x[:150], y[:150], x[150:], y[150:]))
    assert run.config.loss == "squared_error"
    predicted = run.network.predict(run.network.scaled(x[150:]))
    rmse = np.sqrt(((predicted - y[150:]) ** 2).mean(axis=(1, 2)))
    np.testing.assert_allclose(run.summary["test_rmse"], rmse)
    r2 = 1 - ((predicted - y[150:]) ** 2).sum(axis=(1, 2)) / ((y[150:] - y[150:].mean(0)) ** 2).sum()
    np.testing.assert_allclose(run.summary["test_r2"], r2)
    assert min(r2) > 0.8
    assert "test_error" not in run.summary


def test_scaling_is_fitted_on_the_training_part_and_kept(tmp_path):
    data = DATA._replace(x_train=DATA.x_train * 100 + 7, x_test=DATA.x_test * 100 + 7)
    run = gpufa.train(config(scaling="standard", out=str(tmp_path)), data)
    net = gpufa.load(tmp_path)
    np.testing.assert_allclose(net.scaled(data.x_train).mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(net.scaled(data.x_train).std(axis=0), 1)
    np.testing.assert_array_equal(
        net.predict(net.scaled(data.x_test)), run.network.predict(run.network.scaled(data.x_test))
    )


def test_probes_every_few_steps():
    run = gpufa.train(config(probe_every=5, rule="fa"), DATA)
    assert run.history.probes["step"].tolist() == list(range(5, 25, 5))
    assert run.history.probes["per_sample"].shape == (4, 3, 2)
    assert len(run.summary["alignment_deg"]) == 2


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "ifa"])
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_nothing_is_allocated_in_the_loop(rule, optimizer):
    data = Data(rng.normal(size=(640, 200)), np.arange(640) % 10, rng.normal(size=(10, 200)), np.arange(10))
    trainer = Trainer(
        config(rule=rule, hidden=(300, 200), batch_size=64, optimizer=optimizer, lr=0.01, seeds=(0,)), data
    )
    trainer.begin_epoch()
    for _ in range(3):
        trainer.step()
    tracemalloc.start()
    for _ in range(3):
        trainer.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    smallest_slab = 64 * 300 * 8
    assert peak < smallest_slab / 5


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"freeze": (4,)}, "layer 4 can't be frozen; the net has layers 1 to 3"),
        ({"layer_lr": (0.1,)}, "1 learning rates were given for 3 layers"),
        ({"patience": 3}, "patience needs validation samples; add --validation 0.1"),
        ({"optimizer": "lion"}, "unknown optimizer 'lion'"),
        ({"schedule": "linear"}, "schedule = 'linear' can't be used; expected one of constant, step, cosine"),
        ({"batch_size": 0}, "batch_size = 0 can't be used; expected a whole number of at least 1: change --batch-size"),
        ({"lr": float("nan")}, "lr = nan can't be used; expected a number above 0"),
        ({"dropout": 1.0}, "dropout = 1.0 can't be used; expected 0, or a number between 2^-17 and 1 - 2^-17"),
        ({"seeds": ()}, "seeds = () can't be used; expected one or more whole numbers"),
        ({"activation": 3}, "activation = (3,) can't be used; expected one or more names"),
        ({"hidden": object}, "hidden = <class 'object'> can't be used; expected whole numbers"),
        ({"epochs": "many"}, "epochs = 'many' can't be used; expected a whole number of at least 0"),
        ({"dropout": 1 - 2**-17}, "dropout = 0.9999923706054688 can't be used; expected 0, or a number between 2^-17"),
        ({"input_dropout": 2**-17}, "input_dropout = 7.62939453125e-06 can't be used; expected 0, or a number between"),
        ({"depth_drop": 1e-9}, "depth_drop = 1e-09 can't be used; expected 0, or a number between 2^-17 and 1 - 2^-17"),
        ({"rule_options": 3}, "rule_options = 3 can't be used; expected a table of options"),
        ({"gradient": "median"}, "gradient = 'median' can't be used; expected one of mean, sum"),
    ],
)
def test_settings_that_are_refused(options, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        gpufa.train(config(**options), DATA)
    assert text in str(error.value)


def test_label_noise_needs_labels():
    with pytest.raises(gpufa.InvalidValue, match="label_noise is for labels"):
        gpufa.train(config(label_noise=0.1), (DATA.x_train, DATA.x_train[:, :2], DATA.x_test, DATA.x_test[:, :2]))


@pytest.mark.parametrize(("rule", "freeze"), [("bp", ()), ("fa", ()), ("dfa", ()), ("ifa", ()), ("dfa", (1, 2))])
def test_narrow_nets_on_the_digits_tell_a_working_rule_from_a_broken_one(rule, freeze):
    """Every rule with its own defaults below 5 % error; the hidden layers frozen above 20 %."""
    init = "uniform" if freeze else None
    run = gpufa.train(gpufa.Config(rule=rule, hidden=(16, 16), freeze=freeze, init=init, backend="numpy"))
    mean = np.mean(run.summary["test_error"])
    assert mean > 20 if freeze else mean <= 5


def test_a_checkpoint_of_another_net_is_refused(tmp_path):
    from gpufa.checkpoints import hdf5

    gpufa.train(config(out=str(tmp_path)), DATA)
    path = tmp_path / "checkpoint.h5"
    arrays, metadata = hdf5.read(path)
    metadata["config"]["hidden"] = [8, 6]
    hdf5.write(path, arrays, metadata)
    with pytest.raises(
        gpufa.FileProblem, match=r"is of another network: parameters/W2 is float64 \(3, 7, 8\), expected float64"
    ):
        gpufa.resume(tmp_path, data=DATA)
    del arrays["optimizer/mean/W1"]
    metadata["config"]["hidden"] = [8, 7]
    hdf5.write(path, arrays, metadata)
    with pytest.raises(gpufa.FileProblem, match=r"optimizer/mean/W1 is missing, expected float64 \(3, 8, 6\)"):
        gpufa.resume(tmp_path, data=DATA)
    with pytest.raises(gpufa.InvalidValue, match="was trained by rule 'dfa', not 'fa'"):
        gpufa.load(path, rule=gpufa.rules.FA)


@pytest.mark.parametrize("scaling", ["none", "unit", "standard"])
def test_bytes_train_as_the_floats_that_they_are(scaling, tmp_path):
    images = [np.clip(x * 20 + 128, 0, 255).astype(np.uint8) for x in (DATA.x_train, DATA.x_test)]
    runs = []
    for kind in (np.uint8, np.float64):
        data = Data(images[0].astype(kind), DATA.y_train, images[1].astype(kind), DATA.y_test)
        settings = config(scaling=scaling, validation=0.2, input_noise=0.1, out=str(tmp_path / kind.__name__))
        runs.append(gpufa.train(settings, data))
    for name, p in parameters(runs[0]).items():
        np.testing.assert_allclose(p, parameters(runs[1])[name], rtol=1e-4, atol=1e-6)
    for name in ("train_error", "test_error", "validation_loss"):
        np.testing.assert_allclose(runs[0].summary[name], runs[1].summary[name], rtol=1e-4)


def test_a_run_may_start_from_anothers_weights_and_feedback(tmp_path):
    first = gpufa.train(config(epochs=2, out=str(tmp_path / "first"), freeze=(1,)), DATA)
    start = config(epochs=0, start=str(tmp_path / "first"), init="uniform", out=str(tmp_path / "second"))
    second = gpufa.train(start, DATA)
    same(parameters(first), parameters(second))
    same(dict(first.network.feedback), dict(second.network.feedback))
    third = dataclasses.replace(start, epochs=3, out=str(tmp_path / "third"))
    whole = gpufa.train(dataclasses.replace(third, out=None), DATA)
    gpufa.train(dataclasses.replace(third, epochs=1), DATA)
    (tmp_path / "first").rename(tmp_path / "gone")  # a resumed run has its start behind it
    same(parameters(gpufa.resume(tmp_path / "third", epochs=3, data=DATA)), parameters(whole))
    (tmp_path / "gone").rename(tmp_path / "first")
    with pytest.raises(gpufa.InvalidValue, match=r"has seeds = \[0, 1, 2\], but this run \[0, 1\]; start from a run"):
        gpufa.train(dataclasses.replace(start, seeds=(0, 1), out=None), DATA)
    with pytest.raises(gpufa.InvalidValue, match=r"has rule = .*'name': 'dfa'.*, but this run .*'fa'"):
        gpufa.train(dataclasses.replace(start, rule="fa", out=None), DATA)
    for changed, text in (
        ({"hidden": (8, 8)}, r"has sizes = \[6, 8, 7, 3\], but this run \[6, 8, 8, 3\]"),
        ({"activation": "relu"}, r"has activation = \['tanh', 'tanh'\], but this run \['relu', 'relu'\]"),
        ({"loss": "binary_cross_entropy"}, "has loss = 'cross_entropy', but this run 'binary_cross_entropy'"),
        ({"rule_options": {"scale": 9.0}}, "'scale': 1.0.*, but this run .*'scale': 9.0"),
    ):
        with pytest.raises(gpufa.InvalidValue, match=text):
            gpufa.train(dataclasses.replace(start, out=None, **changed), DATA)
    with pytest.raises(gpufa.FileProblem, match="no-such"):
        gpufa.train(dataclasses.replace(start, start=str(tmp_path / "no-such"), out=None), DATA)


def test_figures_that_are_not_finite_are_told_without_numpys_warnings(recwarn):
    config = gpufa.Config(rule="forward_forward", init="uniform", init_scale=1e30, hidden=(8,), epochs=1, seeds=(0,))
    gpufa.train(config)
    assert [str(w.message) for w in recwarn] == []
