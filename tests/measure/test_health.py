"""What goes wrong without an error: units that die, a loss that rises, a replica that diverges among others."""

import warnings

import numpy as np
import pytest
import reference
from rulelab import DATA, OWN, host, network, samples, values
from traininglab import Poison

import gpufa
from gpufa.commands.main import main
from gpufa.data.samples.scaling import fit_scaling
from gpufa.measure.health import complaints, of_another_unit
from gpufa.measure.history import History
from gpufa.rules import BP, DFA, RULES, EqProp, Shallow
from gpufa.runs.held import trainer_arrays

SIZES = [5, 8, 6, 3]
X, Y = samples(SIZES)


def settings(**kw):
    base = {"hidden": (8, 7), "dtype": "float64", "backend": "numpy", "epochs": 4, "batch_size": 8, "seeds": (0, 1)}
    return gpufa.Config(**base | kw)


@pytest.mark.parametrize("name", ["relu", "hard_tanh", "hard_logistic", "leaky_relu", "tanh"])
def test_a_unit_is_dead_where_its_derivative_is_zero_for_every_sample(name, backend):
    net = network(SIZES, "fa", name, backend=backend)
    for k in (1, 2):
        net.parameters[f"W{k}"][...] *= 4
        net.parameters[f"b{k}"][:3] = -300
    slope, h, expected = np.vectorize(reference.ACTIVATIONS[name][1]), X.T, []
    value = np.vectorize(reference.ACTIVATIONS[name][0])
    for k in (1, 2):
        a = host(net, net.parameters[f"W{k}"]) @ h + host(net, net.parameters[f"b{k}"])[:, None]
        expected.append(100 * (slope(np.clip(a, -350, 350)) < 1e-16).all(axis=1).mean())
        h = value(a)
    np.testing.assert_allclose(net.alignment(X, Y)["dead"], expected)
    assert min(expected) >= 37.5 or name == "leaky_relu"


def test_a_tanh_unit_that_float32_saturates_is_dead_in_float32_alone():
    for dtype, share in (("float32", 100.0), ("float64", 0.0)):
        net = gpufa.Network([1, 4, 2], rule="bp", dtype=dtype, init="zeros", backend="numpy")
        net.parameters["b1"][:] = 12.0
        assert net.alignment(np.ones((3, 1)), [0, 1, 0])["dead"] == [share]


def test_units_without_a_derivative_have_no_share_and_no_hidden_layer_none():
    net = network(SIZES, DFA(inject="pre_activation"), ["sign", "tanh"])
    np.testing.assert_array_equal(net.alignment(X, Y)["dead"], [np.nan, 0])
    assert gpufa.Network([5, 3], rule="bp", backend="numpy").alignment(X, Y)["dead"].shape == (0,)


@pytest.mark.by_kind
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_probed_for_dead_units(rule, backend):
    run = gpufa.train(settings(rule=rule, backend=backend, epochs=2, **OWN.get(rule, {})), DATA)
    shares = run.history.probes["dead"]
    assert shares.shape == (2, 2, len(run.config.hidden))
    assert ((shares >= 0) & (shares <= 100)).all()
    assert run.summary["dead_units_percent"] == pytest.approx(shares[-1].mean(axis=0))


def test_a_layer_that_has_died_is_told_once(tmp_path):
    config = settings(rule="bp", activation="relu", init="zeros", out=str(tmp_path))
    with pytest.warns(UserWarning, match="W1 of seed 0 is zero still: rule 'bp' can't leave zero weights") as told:
        run = gpufa.train(config, DATA)
    assert len(told) == 1
    assert "add --init uniform" in str(told[0].message)
    assert run.summary["dead_units_percent"] == [100, 100]
    assert (tmp_path / "history.csv").read_text().splitlines()[0].count(",angle_1,angle_2,dead_1,dead_2,") == 1
    assert all(",100,100," in line for line in (tmp_path / "history.csv").read_text().splitlines()[1:])


@pytest.mark.parametrize("more", [{"epochs": 0}, {"freeze": (1, 2)}, {"batch_size": 1000, "epochs": 2}])
def test_weights_that_had_no_step_to_move_in_are_no_fault(more, recwarn):
    gpufa.train(settings(rule="bp", init="zeros", **more), DATA)
    assert not [one for one in recwarn if "zero still" in str(one.message)]


def test_the_command_line_tells_it_too(tmp_path, capsys):
    args = ["--rule", "bp", "--activation", "relu", "--init", "zeros", "--hidden", "4", "--epochs", "1", "--seeds", "0"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["train", *args, "--out", str(tmp_path / "run")]) == 0
    assert "dead units in percent, layer by layer, mean over seeds: 100.0" in capsys.readouterr().out
    report = tmp_path / "report.html"
    assert main(["report", str(tmp_path / "run"), "--out", str(report)]) == 0
    assert "<p>Dead units in percent, layer by layer, mean over seeds: 100.0.</p>" in report.read_text()


@pytest.mark.filterwarnings("error")
def test_a_healthy_run_is_told_nothing(tmp_path):
    run = gpufa.train(settings(out=str(tmp_path)), DATA)
    assert run.summary["dead_units_percent"] == [0, 0]


def history(shares=(), losses=()):
    found = History((3, 4))
    for share in shares:
        found.probes.append({"step": 1, "dead": np.array(share, float)})
    for loss in losses:
        found.epochs.append({"epoch": 1, "loss": np.array(loss, float)})
    return found


def test_rules_whose_layers_learn_another_way_have_no_dead_units_to_be_told_of():
    worst = history([[[0, 90], [95, 10]]])
    assert complaints(BP(), worst)[0].startswith("hidden layer 1 of seed 4 has lost 95 % of its units, and 1 more have")
    assert complaints(BP(), worst)[0].endswith("lower --lr, or take --activation leaky_relu")
    assert complaints(BP(), worst, remedy="add --scaling unit")[0].endswith("add --scaling unit, or else lower --lr")
    for rule in (EqProp(), Shallow(), DFA(inject="pre_activation")):
        assert complaints(rule, worst) == []
    assert complaints(BP(), history([[[0, 90], [95, 10]], [[0, 50], [50, 10]]])) == []
    assert complaints(BP(), history([[[np.nan], [80]], [[np.nan], [np.nan]]]))[0].startswith("hidden layer 1 of seed 4")
    assert complaints(BP(), history([np.empty((2, 0))])) == complaints(BP(), history()) == []


def test_a_loss_that_rises_out_of_all_proportion_is_told():
    assert complaints(BP(), history(losses=[[2, 3], [1, 2990]])) == []
    (sentence,) = complaints(BP(), history(losses=[[2, 3], [1, 3e7], [0.5, np.nan]]))
    assert sentence.startswith("the training loss of seed 4 rose from 3 in its first epoch to 3e+07 in its last; lower")
    assert complaints(BP(), history(losses=[[0, np.nan], [1, np.nan]])) == []


def test_a_run_from_before_dead_units_were_probed_is_resumed(tmp_path):
    from gpufa.checkpoints import hdf5

    gpufa.train(settings(epochs=2, out=str(tmp_path)), DATA)
    arrays, metadata = hdf5.read(tmp_path / "checkpoint.h5")
    del arrays["history/probes/dead"]
    hdf5.write(tmp_path / "checkpoint.h5", arrays, metadata)
    run = gpufa.resume(tmp_path, epochs=4, data=DATA)
    np.testing.assert_array_equal(np.isnan(run.history.probes["dead"]).all(axis=(1, 2)), [True, True, False, False])


@pytest.mark.by_kind
@pytest.mark.parametrize("rule", RULES)
def test_a_replica_that_diverges_leaves_the_others_their_bits_under_every_rule(rule, backend, tmp_path, same_bits):
    config = settings(rule=rule, backend=backend, seeds=(0, 1, 2), **OWN.get(rule, {}))
    clean = values(gpufa.train(config, DATA).network)
    out = gpufa.Config(**vars(config) | {"out": str(tmp_path)})
    poison = Poison(1, 2, "W1")
    run = gpufa.train(out, DATA, callbacks=[poison])
    assert run.summary["status"] == ["finished", "diverged", "finished"]
    for name, p in values(run.network).items():
        same_bits(p[[0, 2]], clean[name][[0, 2]], name)
        np.testing.assert_array_equal(p[1], host(run.network, poison.good[f"parameters/{name}"]), err_msg=name)


class PoisonInside(gpufa.Callback):
    """Puts an infinity into one replica's weights in the middle of the second epoch."""

    def on_epoch(self, trainer):
        if trainer.progress.epoch == 1:
            self.saved = {name: a.copy() for name, a in trainer_arrays(trainer).items()}
        self.last = {name: a.copy() for name, a in trainer_arrays(trainer).items()}

    def on_step(self, trainer):
        if trainer.progress.step == 8:
            trainer.net.parameters["b2"][0, 0] = np.inf


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_divergence_inside_an_epoch_goes_back_to_the_last_checkpoint_optimizer_and_all(optimizer, tmp_path):
    poison, config = PoisonInside(), settings(optimizer=optimizer, lr=0.01, clip=0.5, out=str(tmp_path))
    run = gpufa.train(config, DATA, callbacks=[poison])
    assert run.summary["status"] == ["diverged", "finished"]
    for name, array in poison.last.items():
        np.testing.assert_array_equal(array[0], poison.saved[name][0], err_msg=name)
    alone = gpufa.train(settings(optimizer=optimizer, lr=0.01, clip=0.5, seeds=(1,)), DATA).network
    for name, p in values(alone).items():
        np.testing.assert_allclose(values(run.network)[name][1], p, rtol=1e-10, atol=1e-12)


def test_features_that_never_varied_say_nothing_of_their_unit():
    """zca makes nothing of what is the same everywhere; by its factor, 0, all would be larger."""
    same, ones = np.full((9, 4), 0.5), np.ones((3, 4))
    assert of_another_unit(ones, fit_scaling("zca", same), False) == ""
    assert of_another_unit(ones, fit_scaling("zca", same * 255), False) == ""
    assert of_another_unit(ones[:0], fit_scaling("standard", same), False) == ""
