"""Nets with norms train as others do, and what batch norms measure is moved once a step, kept, and gone on with."""

import pickle
import tracemalloc
from functools import partial

import layerlab
import numpy as np
import pytest
from layerlab import layered, straight_is_by_gradients
from normlab import training_pass
from rulelab import close, host, network, values

import gpufa
from gpufa.checkpoints import hdf5, networks
from gpufa.net.probation import try_out
from gpufa.rules import RULES
from gpufa.training.trainer import Trainer

LAYERS = (
    "input 2x6x5",
    "batch norm, conv 4 3x3 nobias, batch norm momentum 0.3, tanh, pool 2, dropout 0.25",
    "residual(conv 4 2x2 gelu, layer norm | conv 4 1x1 nobias, batch norm), mean pool 2x1",
    "dense 6, batch norm eps 0.01 tanh",
)
TAKING = ["bp", "shallow", "fa", "dfa", "sdfa", "drtp", "kp", "dkp", "usf", "brsf", "frsf"]
STEADY = {"optimizer": "momentum", "lr": 0.02, "weight_decay": 1e-3}
draw = np.random.default_rng(0)
IMAGES = gpufa.Data(draw.normal(1, 2, (40, 60)), np.arange(40) % 3, draw.normal(size=(6, 60)), np.arange(6) % 3)

stepped = partial(layerlab.stepped, LAYERS, data=IMAGES)


def everything(net):
    """All parameters and what is measured, (R, ...) each."""
    return {name: host(net, a) for name, a in {**net.arena, **net.measured}.items()}


def trained(**settings):
    return everything(stepped(**settings).net)


def norms(p):
    """The places of batch norms by the ends of their names."""
    places = [place for k in p.sizes.layered for place in p.blocks[k].at.leaves() if place.state]
    return {place.names["g"][1:]: place for place in places}


def by_hand(p, before):
    """What a step makes of `before`, of what stands in the pass."""
    found = dict(before)
    for end, place in norms(p).items():
        momentum, R = place.layer.momentum, len(p.seeds)
        x = np.broadcast_to(host(p, place.x), (R, *place.x.shape[-2:])).reshape(R, place.shape[0], -1)
        found[f"mean{end}"] = (1 - momentum) * before[f"mean{end}"] + momentum * x.mean(-1)
        found[f"variance{end}"] = (1 - momentum) * before[f"variance{end}"] + momentum * x.var(-1, ddof=1)
    return found


@pytest.mark.parametrize("rule", ["bp", "dfa", "shallow", "layerwise", "weight_mirror", "topology"])
def test_each_step_moves_what_is_measured_once_whether_or_not_the_layer_is_trained(rule, backend):
    run = layered(LAYERS, data=IMAGES, rule=rule, freeze=(2,) if rule == "bp" else (), seeds=(0, 1), backend=backend)
    assert {*norms(run.net.pass_for(8))} == {"1.1", "1.3", "2.4", "3.2"}
    for _ in range(4):
        before = {name: host(run.net, s) for name, s in run.net.measured.items()}
        run.step()
        after = {name: host(run.net, s) for name, s in run.net.measured.items()}
        close(after, by_hand(run._steps[8].p, before), 1e-12)
    trained = {name for name in run.net.arena if name not in run.update.rates}
    expected = {"bp": {"2"}, "shallow": {"1", "2", "3"}}.get(rule, set())
    assert {name[1] for name in trained} == expected


def test_a_perturbing_pass_and_another_order_of_passes_move_nothing(backend):
    run = layered(LAYERS, data=IMAGES, rule="bp", adversarial=0.2, backend=backend)
    before = {name: host(run.net, s) for name, s in run.net.measured.items()}
    run.step()
    step = run._steps[8]
    close({n: host(run.net, s) for n, s in run.net.measured.items()}, by_hand(step.p, before), 1e-12)
    assert not np.allclose(by_hand(step.clean, before)["mean1.3"], by_hand(step.p, before)["mean1.3"])


def test_a_second_way_forward_within_a_step_moves_nothing(backend):
    class Twice(RULES["bp"]):
        name = "twice"

        def gradients(self, net, grads):
            super().gradients(net, grads)
            kept = net.array("x again", *net.h[0].shape[-2:][::-1])
            kept[...] = 7.0
            net.forward(kept)

    def measured(rule, steps=3):
        config = gpufa.Config(layers=LAYERS, batch_size=8, epochs=1, dtype="float64", backend=backend, seeds=(0,))
        run = Trainer(config, IMAGES, rule)
        run.begin_epoch()
        for _ in range(steps):
            run.step()
        return {name: host(run.net, s) for name, s in run.net.measured.items()}

    close(measured(Twice), measured("bp"), 0)
    close(measured("evolution", 1), measured("bp", 1), 0)  # which goes forward under other weights behind it


@pytest.mark.parametrize("rule", TAKING)
def test_replicas_are_single_runs(rule, backend):
    both = trained(rule=rule, seeds=(0, 1), backend=backend, **STEADY)
    single = trained(rule=rule, seeds=(1,), backend=backend, **STEADY)
    close({name: p[1:] for name, p in both.items()}, single, 1e-10)


@pytest.mark.gpu
@pytest.mark.parametrize("rule", TAKING)
def test_both_backends_train_alike(rule):
    close(trained(rule=rule, backend="cupy", **STEADY), trained(rule=rule, **STEADY), 1e-10)


@pytest.mark.gpu
@pytest.mark.filterwarnings("error:the training step can't be recorded")
@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_recorded_steps_are_eager_ones(rule, monkeypatch):
    settings = {"rule": rule, "optimizer": "sgd", "lr": 0.02, "backend": "cupy"}
    recorded = trained(**settings)
    from gpufa.backends.gpu.backend import CupyBackend

    monkeypatch.setattr(CupyBackend, "capture", lambda self, step, together=None: step)
    close(trained(**settings), recorded, 0)


@pytest.mark.gpu
def test_tf32_leaves_the_sums_of_norms_alone():
    found, words = [], ["input 2x6x5", "batch norm, layer norm", "dense 3"]
    for precision in ("fp32", "tf32"):
        net = gpufa.Network(words, rule="bp", backend="cupy", precision=precision)
        p = training_pass(net, IMAGES.x_test.astype("float32"), IMAGES.y_test)
        p.send(1, p.h[1])
        found.append([host(net, a) for a in (p.h[1], p.pull(1).signal)])
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("rule", TAKING)
def test_float32_is_float64_to_rounding(rule):
    close(trained(rule=rule, dtype="float32", **STEADY), trained(rule=rule, **STEADY), 2e-4)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
@pytest.mark.parametrize("own", [{}, {"layer_lr": (0.1, 0.3, 0.2, 0.1)}, {"freeze": (1, 2)}])
def test_straight_into_the_weights_is_by_way_of_gradients(rule, own, backend):
    straight_is_by_gradients(stepped, own, rule=rule, backend=backend)


def test_a_replica_that_has_stopped_measures_no_more(backend):
    """The second of two, after two steps; the weights that it keeps go with what it had measured then."""
    two, five = (trained(rule="bp", steps=n, stop=1, backend=backend) for n in (2, 5))
    for name in five:
        np.testing.assert_array_equal(five[name][1], two[name][1], err_msg=name)
        assert not np.array_equal(five[name][0], two[name][0]), name


def test_nothing_is_allocated_in_a_step():
    data = gpufa.Data(draw.normal(size=(640, 300)), np.arange(640) % 3, draw.normal(size=(10, 300)), np.arange(10) % 3)
    layers = ("input 3x10x10", "batch norm, layer norm", "residual(batch norm | layer norm)")
    run = layered(layers, data=data, rule="bp", batch_size=64, optimizer="sgd")
    for _ in range(3):
        run.step()
    tracemalloc.start()
    for _ in range(3):
        run.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 300 * 8 / 2


def test_the_batch_that_is_left_over_must_not_be_one_sample():
    text = (
        "'batch norm eps 0.01' goes by the variance over a batch, and of a batch of 1 sample each of the 6 units has"
        " one value; give --batch-size a number that leaves no sample alone"
    )
    for size in (1, 13):  # 40 = 3 * 13 + 1
        with pytest.raises(gpufa.InvalidValue, match=text):
            layered(LAYERS, data=IMAGES, batch_size=size)
    layered(LAYERS[:3], data=IMAGES, batch_size=1).step()


def test_what_a_rule_keeps_has_another_name():
    class Own(RULES["bp"]):
        def state(self, sizes):
            return {"mean1.1": (2,)}

    with pytest.raises(gpufa.InvalidValue, match=r"the rule keeps 'mean1.1', a name that a layer of the net has"):
        gpufa.Network([*LAYERS, "dense 3"], rule=Own, backend="numpy")


def test_trying_a_rule_out_moves_nothing():
    net = network([*LAYERS, "dense 3"], "bp")
    before = everything(net)
    try_out(net, IMAGES.x_test, IMAGES.y_test, weighed=True)
    close(everything(net), before, 0)


def config(out, **more):
    blocks = "conv 4 3x3, batch norm relu, pool 2", "residual(conv 4 3x3, batch norm), dense 5, layer norm"
    layers = ("input 1x8x8", *blocks)
    settings = {"layers": layers, "rule": "bp", "seeds": (0, 1), "samples": 200, "backend": "numpy", "out": str(out)}
    return gpufa.Config(**settings | more)


@pytest.mark.parametrize("more", [{}, {"validation": 0.3, "keep": "best"}, {"optimizer": "sgd", "rule": "fa"}])
def test_a_run_resumes_to_the_bit_and_is_loaded_as_it_was(more, tmp_path):
    whole = gpufa.train(config(tmp_path / "whole", epochs=3, **more)).network
    gpufa.train(config(tmp_path / "part", epochs=2, **more))
    resumed = gpufa.resume(tmp_path / "part", epochs=3).network
    loaded, copied = gpufa.load(tmp_path / "whole", backend="numpy"), pickle.loads(pickle.dumps(whole))
    assert {*whole.measured} == {"mean1.2", "variance1.2", "mean2.2", "variance2.2"}
    x = np.random.default_rng(0).normal(size=(4, 64))
    for net in (resumed, loaded, copied):
        close(everything(net), everything(whole), 0)
        np.testing.assert_array_equal(net.predict(x), whole.predict(x))
    gpufa.save(whole, tmp_path / "saved.h5")
    close(everything(gpufa.load(tmp_path / "saved.h5", backend="numpy")), everything(whole), 0)
    again = gpufa.train(config(tmp_path / "again", epochs=0, start=str(tmp_path / "whole"), **more)).network
    close(everything(again), everything(whole), 0)


def test_the_best_epoch_is_kept_with_what_it_had_measured(tmp_path):
    after = []

    def record(trainer):
        after.append({name: np.array(a) for name, a in networks.network_arrays(trainer.net).items()})

    run = gpufa.train(config(tmp_path / "run", epochs=10, validation=0.3, keep="best", lr=0.05), callbacks=[record])
    best = run.summary["weights_of_epoch"]
    assert any(epoch < 10 for epoch in best)
    arrays, _ = hdf5.read(tmp_path / "run" / "checkpoint.h5")
    for name, last in after[-1].items():
        np.testing.assert_array_equal(arrays[f"training/{name}"], last)
        for r, epoch in enumerate(best):
            np.testing.assert_array_equal(arrays[name][r], after[epoch - 1][name][r], err_msg=name)


def test_a_checkpoint_without_what_was_measured_is_refused(tmp_path):
    gpufa.train(config(tmp_path / "run", epochs=1))
    file = tmp_path / "run" / "checkpoint.h5"
    arrays, metadata = hdf5.read(file)
    del arrays["state/variance2.2"]
    hdf5.write(file, arrays, metadata)
    with pytest.raises(gpufa.FileProblem, match=r"state/variance2\.2 is missing, expected float32"):
        gpufa.load(tmp_path / "run", backend="numpy")


def test_values_are_not_what_is_measured():
    assert not any(name.startswith(("mean", "variance")) for name in values(network([*LAYERS, "dense 3"], "bp")))
