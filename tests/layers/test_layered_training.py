"""Nets of layers train as others do: straight into the weights or by an optimizer, recorded, side by side, resumed."""

import json
from functools import partial
from pathlib import Path

import layerlab
import numpy as np
import pytest
from layerlab import layered, straight_is_by_gradients
from rulelab import DATA, close, host, values

import gpufa
from gpufa.checkpoints import hdf5, validity
from gpufa.measure.alignment import METRICS

LAYERS = (
    "dense 6 silu, dense 5 tanh, dropout 0.25",
    "residual(dense 7 gelu, dense 5)",
    "tanh, dense 5",
    "dense 4 relu",
)
RULES = ["bp", "fa", "dfa", "kp", "dkp", "usf", "frsf", "brsf", "sdfa", "drtp", "shallow", "weight_mirror", "topology",
         "layerwise"]  # fmt: skip
STEADY = {"optimizer": "momentum", "lr": 0.02, "weight_decay": 1e-3}


stepped = partial(layerlab.stepped, LAYERS)


def trained(**settings):
    return values(stepped(**settings).net)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
@pytest.mark.parametrize("stop", [None, 0, 1])
@pytest.mark.parametrize(
    "own",
    [
        {},
        {"layer_lr": (0.1, 0.3, 0.2, 0.1, 0.05)},
        {"freeze": (2,)},
        {"layer_lr": (0.1,) * 4 + (0.2,), "freeze": (1, 4)},
    ],
)
def test_straight_into_the_weights_is_by_way_of_gradients(rule, stop, own, backend):
    straight_is_by_gradients(stepped, own, rule=rule, stop=stop, backend=backend)


@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_a_seed_that_has_stopped_stays_where_it_is(rule, backend):
    early = trained(rule=rule, optimizer="sgd", lr=0.1, steps=2, backend=backend)
    on = trained(rule=rule, optimizer="sgd", lr=0.1, stop=1, backend=backend)
    alone = trained(rule=rule, optimizer="sgd", lr=0.1, backend=backend)
    for name in on:
        np.testing.assert_array_equal(on[name][1], early[name][1])
        np.testing.assert_allclose(on[name][0], alone[name][0], rtol=1e-12, atol=1e-14)


@pytest.mark.gpu
@pytest.mark.parametrize("rule", RULES)
def test_both_backends_train_alike(rule):
    close(trained(rule=rule, backend="cupy", **STEADY), trained(rule=rule, **STEADY), 1e-10)


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("rule", ["bp", "fa", "kp"])
def test_recorded_steps_are_eager_ones(rule, optimizer, monkeypatch):
    settings = {"rule": rule, "optimizer": optimizer, "eps": 1e-3, "lr": 0.02, "backend": "cupy"}
    recorded = trained(**settings)
    from gpufa.backends.gpu.backend import CupyBackend

    monkeypatch.setattr(CupyBackend, "capture", lambda self, step, together=None: step)
    close(trained(**settings), recorded, 1e-10)
    close(trained(**settings | {"backend": "numpy"}), recorded, 1e-10)


@pytest.mark.parametrize("rule", RULES)
def test_replicas_are_single_runs(rule, backend):
    both = trained(rule=rule, seeds=(0, 1), backend=backend, **STEADY)
    close({name: p[1] for name, p in both.items()}, trained(rule=rule, seeds=(1,), backend=backend, **STEADY), 1e-10)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "nesterov", "adamw"])
def test_every_optimizer_trains_all_of_a_block(optimizer):
    before = values(layered(LAYERS, seeds=(0,)).net)
    after = trained(rule="kp", optimizer=optimizer, seeds=(0,), eps=1e-3)
    assert after.keys() == before.keys() | {name for name in after if name[0] == "B"}
    for name in before:
        assert not np.array_equal(after[name], before[name]), name


def test_dropout_within_is_another_mask_at_each_step_place_and_seed(backend):
    run = layered(("dense 40, dropout 0.5, residual(dense 40, dropout 0.5)",) * 2, seeds=(0, 1), backend=backend)
    masks = []
    for _ in range(2):
        run.step()
        p = run._steps[8].p
        places = [at for k in (1, 2) for at in p.blocks[k].at.leaves() if type(at.layer).__name__ == "Dropout"]
        masks += [m for at in places for m in host(run.net, at.layer.mask(at))]
    assert len(masks) == 16
    for i, one in enumerate(masks):
        assert {*np.unique(one)} == {0.0, 2.0}
        assert all(0.4 < (one == other).mean() < 0.6 for other in masks[:i])
    x, (p,) = DATA.x_test, [run.net.pass_for(len(DATA.x_test))]
    run.net.predict(x)
    assert not p.dropping
    np.testing.assert_array_equal(run.net.predict(x), run.net.predict(x))


def config(folder=None, **settings):
    base = {"layers": LAYERS, "epochs": 4, "batch_size": 8, "seeds": (0, 1), "backend": "numpy", "rule": "fa"}
    return gpufa.Config(**base | settings, out=str(folder) if folder else None)


@pytest.mark.parametrize("rule", ["fa", "dfa", "kp"])
def test_resuming_is_bit_for_bit(rule, tmp_path):
    whole = gpufa.train(config(rule=rule), DATA).network
    gpufa.train(config(tmp_path, rule=rule, epochs=2), DATA)
    again = gpufa.resume(tmp_path, epochs=4, data=DATA).network
    close(values(again), values(whole), 0)
    loaded = gpufa.load(tmp_path)
    assert loaded.sizes.words == ["input 6", *LAYERS, "dense 3"] == whole.sizes.words
    np.testing.assert_array_equal(loaded.predict(DATA.x_test), whole.predict(DATA.x_test))
    close(loaded.feedback, whole.feedback, 0)


def test_a_net_is_saved_and_loaded(tmp_path, backend):
    net = gpufa.Network(["input 6", *LAYERS, "dense 3"], rule="kp", seed=4, backend=backend)
    gpufa.save(net, tmp_path / "net.h5")
    again = gpufa.load(tmp_path / "net.h5", backend=backend)
    close(values(again), values(net), 0)
    np.testing.assert_array_equal(again.predict(DATA.x_test), net.predict(DATA.x_test))
    assert again.single


@pytest.mark.parametrize(
    "layers", [["dense 5 tanh", "dense 5 tanh", "residual(dense 5 tanh)"], ["residual(dense 5 tanh)", "dense 5 tanh"]]
)
def test_skip_connections_of_some_layers_alone_are_saved(layers, tmp_path):
    """Sizes and a yes to skip connections stand for those of all layers that can have one."""
    net = gpufa.Network(["input 5", *layers, "dense 3"], rule="bp", backend="numpy")
    gpufa.save(net, tmp_path / "net.h5")
    loaded = gpufa.load(tmp_path / "net.h5", backend="numpy")
    assert loaded.sizes.words == net.sizes.words
    x = np.random.default_rng(0).normal(size=(4, 5))
    np.testing.assert_array_equal(loaded.predict(x), net.predict(x))


@pytest.mark.parametrize("rule", ["fa", "kp"])
def test_a_block_of_several_layers_may_stand_between_others_of_one_width(rule):
    """Their feedback matrices are alike, and do not follow each other in memory."""
    layers = ["dense 3 tanh", "residual(dense 3 tanh, dense 3)"]
    net = gpufa.Network(["input 5", "dense 3 tanh", *layers, "dense 3"], rule=rule, backend="numpy")
    grads = net.gradients(np.ones((2, 5)), [0, 1])
    assert all(np.isfinite(g).all() for g in grads.values())


def test_a_checkpoint_of_before_there_were_layers_loads():
    file = next(Path(__file__).parents[1].glob("*/format-1.h5"))
    net = gpufa.load(file, backend="numpy")
    assert net.sizes.by_sizes
    assert not net.sizes.layered
    assert net.sizes.words[0] == f"input {net.sizes.inputs}"


def test_a_run_starts_from_another_of_the_same_layers(tmp_path):
    first = gpufa.train(config(tmp_path / "a", epochs=1), DATA).network
    run = gpufa.train(config(tmp_path / "b", start=str(tmp_path / "a"), lr=1e-30, epochs=1), DATA).network
    close(values(run), values(first), 1e-6)
    other = config(start=str(tmp_path / "a"), layers=("dense 6 silu, dense 5 tanh", *LAYERS[1:]))
    with pytest.raises(gpufa.InvalidValue, match="start from a run of the same net, rule and seeds"):
        gpufa.train(other, DATA)


@pytest.mark.parametrize("words", [True, False])
def test_arrays_of_the_same_names_are_not_yet_the_same_net(words, tmp_path):
    """W1, b1, W2 and b2 of the same shapes: one with gelu at its inputs, the other without."""
    nets = [{"layers": ("gelu, dense 4",)}, {"layers": None, "hidden": (4,), "activation": "identity"}]
    first, second = nets if words else nets[::-1]
    gpufa.train(config(tmp_path, rule="bp", epochs=1, **first), DATA)
    with pytest.raises(gpufa.InvalidValue, match=r"has layers = .*, but this run .*start from a run of the same net"):
        gpufa.train(config(rule="bp", epochs=1, start=str(tmp_path), **second), DATA)


def test_other_layers_of_the_same_sizes_are_told_by_their_words(tmp_path):
    gpufa.train(config(tmp_path, rule="bp", epochs=1, layers=("dense 4 tanh, dropout 0.5, dense 4",)), DATA)
    text = r"has layers = \['input 6', 'dense 4 tanh, dropout 0.5, dense 4', 'dense 3'\], but this run"
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.train(config(rule="bp", epochs=1, start=str(tmp_path), layers=("dense 4 tanh, dropout 0.2",)), DATA)


def test_frozen_blocks_keep_all_that_they_have():
    run = stepped(rule="kp", freeze=(2,), **STEADY)
    before, after = values(layered(LAYERS, rule="kp", seeds=(0, 1)).net), values(run.net)
    still = {name for name in after if np.array_equal(before[name], after[name])}
    assert still == {"W2.1", "W2.2", "b2.1", "b2.2", "B1.1", "B1.2"}


@pytest.mark.parametrize("rule", RULES)
def test_alignment_is_measured_where_it_means_something(rule, backend):
    net = stepped(rule=rule, seeds=(0, 1), backend=backend).net
    found = net.alignment(DATA.x_train, DATA.y_train)
    assert found.keys() == {*METRICS}
    finite = {name: np.isfinite(a).all(0).tolist() for name, a in found.items()}
    every, last, nowhere = [True] * 4, [False] * 3 + [True], [False] * 4
    silent = rule == "shallow"  # whose deltas are zero
    for name in ("per_sample", "per_sample_std", "batch"):
        assert finite[name] == (nowhere if silent else every), name
    assert finite["gradient"] == (nowhere if silent else every)
    assert finite["agreement"] == finite["excluded"] == every
    assert finite["pseudo"] == (nowhere if silent else last)
    assert finite["dead"] == last
    assert finite["local"] == ([False] * 2 + [True, True] if not silent else nowhere)
    if rule == "bp":
        assert found["per_sample"].max() < 1e-5
        assert found["gradient"].max() < 1e-5
        assert np.nanmax(found["local"]) < 1e-5


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    gpufa.train(config(folder, epochs=1), DATA)
    return hdf5.read(folder / "checkpoint.h5")


WORDS = ["input 6", *LAYERS, "dense 3"]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (5, "its network has layers = 5"),
        ([], "its network has layers = []"),
        (["input 6"], "its network has layers = ['input 6']"),
        ([*WORDS[:-1], 3], "its network has layers = ['input 6', 'dense 6 silu, dense 5 tanh, dropout 0.25'"),
        ({"input 6": "dense 3"}, "its network has layers = {'input 6': 'dense 3'}"),
        ([*WORDS[:-1], "warp 3"], "its layers are none (unknown layer 'warp 3'; a layer begins with one of dense"),
        ([*WORDS[:-1], "dense 0"], "its layers are none (the units of a dense layer can't be 0"),
        ([*WORDS[:-1], "dense 3 tanh"], "its layers are none (the last block is 'dense 3 tanh'"),
        (["input 0", *WORDS[1:]], "its layers are none ('input 0' can't be read"),
        (["input 6", "dropout 0.5", *WORDS[2:]], "its layers are none (block 1, 'dropout 0.5', has nothing to learn"),
        ([*WORDS[:2], "residual(dense 4)", *WORDS[3:]], "its layers are none ('residual(dense 4)' makes (4,) of (5,)"),
        (
            [*WORDS[:-1], "dense 4"],
            "its layers are none (layers of [6, 5, 5, 5, 4, 4] units in a net of [6, 5, 5, 5, 4, 3",
        ),
        (
            ["dense 6", *WORDS[1:]],
            "its layers are none (layers of [0, 5, 5, 5, 4, 3] units in a net of [6, 5, 5, 5, 4, 3",
        ),
        ([WORDS[0], "dense 9, silu, dense 5 tanh", *WORDS[2:]], "W1.1 is not of the shape (2, 9, 6)"),
        ([WORDS[0], "dense 5", *WORDS[2:]], "W1 is not of the shape (2, 5, 6)"),
    ],
)
def test_damaged_layers_are_told(words, fault, checkpoint):
    arrays, metadata = checkpoint[0], json.loads(json.dumps(checkpoint[1]))
    validity.check(arrays, metadata, "here.h5")
    metadata["network"]["layers"] = words
    with pytest.raises(gpufa.FileProblem) as error:
        validity.check(arrays, metadata, "here.h5")
    assert fault in str(error.value)


def test_a_lost_matrix_of_a_block_is_told(checkpoint, tmp_path):
    arrays = {name: a for name, a in checkpoint[0].items() if name != "parameters/W2.2"}
    hdf5.write(tmp_path / "c.h5", arrays, checkpoint[1])
    with pytest.raises(gpufa.FileProblem, match=r"W2.2 is not of the shape \(2, 5, 7\)"):
        gpufa.load(tmp_path / "c.h5")
