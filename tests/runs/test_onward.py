"""Going on in memory is as if never stopped, whatever the optimizer and the rule remember."""

from dataclasses import replace

import pytest
from traininglab import DATA, config, parameters, same

import gpufa
from gpufa.runs.onward import go_on, left_by, start_of
from gpufa.training.trainer import Trainer


@pytest.mark.parametrize("rule", ["dfa", "weight_mirror", "dni", "kp", "dtp"])
@pytest.mark.parametrize("more", [{}, {"optimizer": "momentum", "dropout": 0.25}, {"schedule": "step", "warmup": 9}])
def test_it_is_as_if_never_stopped(rule, more):
    whole, first = (Trainer(config(rule=rule, epochs=epochs, **more), DATA) for epochs in (4, 2))
    whole.run()
    first.run()
    second = Trainer(config(rule=rule, epochs=4, **more), DATA)
    start_of(second, first.net, "")
    go_on(second, left_by(first))
    second.run()
    assert second.progress.step == whole.progress.step
    same(parameters_of(second), parameters_of(whole))


def parameters_of(trainer):
    return {name: trainer.net.parameters[name].copy() for name in trainer.net.parameters}


def test_another_net_is_no_start():
    first, other = Trainer(config(), DATA), Trainer(config(hidden=(9,)), DATA)
    with pytest.raises(gpufa.InvalidValue, match=r"the fitted network has sizes = \[.*\], but this run .*; begin anew"):
        start_of(other, first.net, "begin anew")
    with pytest.raises(gpufa.InvalidValue, match="the fitted network has seeds"):
        start_of(Trainer(config(seeds=(7, 8, 9)), DATA), first.net, "begin anew")


def test_another_optimizer_is_no_way_on():
    first = Trainer(config(optimizer="adam"), DATA)
    with pytest.raises(gpufa.InvalidValue, match="the optimizer 'momentum' can't go on with what another one has left"):
        go_on(Trainer(config(optimizer="momentum"), DATA), left_by(first))


def test_a_trainer_is_fed_other_samples_for_an_epoch_more():
    """As if it had been made for them and gone on."""
    parts = [
        DATA._replace(x_train=DATA.x_train[rows], y_train=DATA.y_train[rows]) for rows in (slice(40), slice(40, 90))
    ]
    fed = Trainer(config(epochs=1, batch_size=16), parts[0])
    fed.run()
    made = Trainer(config(epochs=2, batch_size=16), parts[1])
    start_of(made, fed.net, "")
    go_on(made, left_by(fed))
    made.run()
    fed.feed(parts[1])
    fed.run()
    assert fed.progress.epoch == 2
    same(parameters_of(fed), parameters_of(made))


def test_data_without_a_test_part_and_with_classes_that_no_sample_has():
    some = DATA._replace(x_test=DATA.x_test[:0], y_test=DATA.y_test[:0])
    trainer = Trainer(config(), some)
    trainer.run()
    assert not [name for name in trainer.history.epochs.names if name.startswith("test")]
    same(parameters_of(trainer), parameters(gpufa.train(config(), DATA)))
    about = gpufa.load_data((DATA.x_train, DATA.y_train.astype(str))).about
    named = some.told(replace(about, task="classification", classes=("0", "1", "2", "none")))
    assert Trainer(config(), named).net.sizes.outputs == 4
