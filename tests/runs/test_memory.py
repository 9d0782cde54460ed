"""What a run will take of memory, said beforehand: held to what it asks for, part by part, and to its peak."""

import gc
import tracemalloc

import numpy as np
import pytest

import gpufa
from gpufa.backends import get_backend
from gpufa.backends.counting.backend import counting
from gpufa.commands.main import main
from gpufa.rules import RULES
from gpufa.runs import held
from gpufa.runs.memory import Memory, memory
from gpufa.training.trainer import Trainer

draw = np.random.default_rng(0)
LENET = (
    *("input 1x32x32", "conv 6 5x5 pad valid relu, pool 2", "conv 16 5x5 pad valid relu, pool 2"),
    *("conv 120 5x5 pad valid relu", "dense 84 relu"),
)


def residual(n, below):
    first, beside = (" stride 2", f" | shortcut {n} stride 2") if below < n else ("", "")
    return f"residual(conv {n} 3x3{first} nobias, batch norm, relu, conv {n} 3x3 nobias, batch norm{beside}), relu"


RESNET20 = (
    *("input 3x32x32", "conv 16 3x3 nobias, batch norm, relu"),
    *(residual(16, 16), residual(16, 16), residual(16, 16), residual(32, 16), residual(32, 32), residual(32, 32)),
    *(residual(64, 32), residual(64, 64), f"{residual(64, 64)}, global mean"),
)
NETS = {
    "dense": {"hidden": (2000, 2000), "optimizer": "momentum", "batch_size": 64},
    "LeNet": {"layers": LENET, "optimizer": "sgd", "batch_size": 64},
    "ResNet-20": {"layers": RESNET20, "optimizer": "adam", "batch_size": 16},
}
INPUTS = {"dense": 784, "LeNet": 1024, "ResNet-20": 3072}
EASY = {"hidden": (8, 7), "epochs": 2, "batch_size": 8, "seeds": (0, 1), "backend": "numpy"}


def data(features=6, train=90, test=40, dtype=np.float32):
    x, y = draw.random((train + test, features)).astype(dtype), np.arange(train + test) % 3
    return gpufa.Data(x[:train], y[:train], x[train:], y[train:])


def peak(config, given, rule=None):
    """The most bytes that Python and NumPy hold at once in a run, in memory."""
    gc.collect()
    tracemalloc.start()
    trainer = Trainer(config, given, rule)
    trainer.run()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


@pytest.mark.parametrize("rule", ["dfa", "bp"])
@pytest.mark.parametrize("name", NETS)
def test_it_is_within_a_tenth_of_what_a_run_holds(name, rule):
    given = data(INPUTS[name], 4 * NETS[name]["batch_size"] + 8, 32)
    config = gpufa.Config(rule=rule, lr=1e-4, epochs=1, seeds=(0,), backend="numpy", **NETS[name])
    small = gpufa.Config(hidden=(4,), epochs=1, seeds=(0,), backend="numpy")
    peak(small, given)  # what is compiled and loaded once
    said = memory(config, given).total - sum(array.nbytes for array in given)
    assert abs(peak(config, given) / said - 1) < 0.1


def test_each_part_is_what_is_there():
    given = data(train=95, dtype=np.float64)
    config = gpufa.Config(rule="fa", optimizer="adam", validation=0.2, keep="best", **EASY)
    parts, trainer = memory(config, given).host, Trainer(config, given)
    size = trainer.net.arena.flat.nbytes
    assert parts["parameters"] == parts["gradient"] == size
    assert parts["the optimizer's states"] == 2 * size
    assert parts["feedback"] == trainer.net.fixed.stored.flat.nbytes
    assert parts["the weights of the best epochs"] == size + sum(B.nbytes for B in trainer.kept.feedback.values())
    assert parts["the data as they were read"] == sum(array.nbytes for array in given)
    assert parts["data on the device"] >= trainer.batches.x.nbytes + trainer.batches.order.nbytes
    for name in ("a step", "alignment", "evaluation"):
        assert parts[name] > 0
    assert parts["a step"] > parts["a step of the last samples"] > 0
    assert memory(config, given).total == sum(parts.values())


def test_plain_sgd_has_no_gradient_and_a_rule_without_feedback_none():
    parts = memory(gpufa.Config(rule="bp", optimizer="sgd", **EASY), data()).host
    assert parts["gradient"] == parts["feedback"] == parts["the optimizer's states"] == 0


def test_a_checkpoint_is_a_part_where_there_is_a_folder(monkeypatch, tmp_path):
    config = gpufa.Config(**EASY)
    assert "a checkpoint that is put off" not in memory(config, data()).host
    kept = gpufa.Config(out=str(tmp_path / "run"), **EASY)
    parts = memory(kept, data()).host
    assert parts["a checkpoint that is put off"] > parts["parameters"]
    assert parts["a checkpoint"] == 0
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(held, "HELD", 10)
    assert memory(kept, data()).host["a checkpoint that is put off"] == 0


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_counted(rule):
    options = {
        "rule": rule,
        **EASY,
        **({"hidden": (5,)} if rule == "nn_lift" else {}),
        **({"scaling": "unit"} if rule == "rbm" else {}),
    }
    given, config = data(), gpufa.Config(**options)
    found = memory(config, given)
    trainer = Trainer(config, given)
    trainer.begin_epoch()
    trainer.step()
    assert found.host["parameters"] == trainer.net.arena.flat.nbytes
    assert found.host["what the rule and layers remember"] == sum(a.nbytes for a in trainer.net.state.values())


def test_nothing_of_a_net_that_no_memory_holds_is_made():
    tracemalloc.start()
    found = memory(gpufa.Config(**EASY | {"hidden": (60_000, 60_000)}), data())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.total > 8e10
    assert most < 5e6


def test_on_a_gpu_its_parts_are_apart_from_the_hosts():
    place = get_backend("numpy")
    place.name = "cupy"
    assert counting(place).on_host is False
    said = Memory({"the data as they were read": 1000}, {"parameters": 2000, "gradient": 0, "a step": 500})
    assert said.total == 3500
    assert said.rows() == {
        "the data as they were read": "1 kB",
        "together": "1 kB",
        "on the GPU: parameters": "2 kB",
        "on the GPU: a step": "500 bytes",
        "on the GPU: together": "2.5 kB",
    }
    assert str(said).splitlines()[-1].split() == ["on", "the", "GPU:", "together", "2.5", "kB"]


def test_the_command_says_it_and_trains_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--data", "digits", "--hidden", "20", "--epochs", "1", "--memory"]) == 0
    out = capsys.readouterr().out
    for part in (
        "parameters",
        "gradient",
        "the optimizer's states",
        "feedback",
        "a step",
        "evaluation",
        "work space",
        "together",
    ):
        assert part in out
    assert not list(tmp_path.iterdir())


class Reads(RULES["dfa"]):
    name = "reads"

    def deltas(self, net, e):
        if float(abs(e).max()) >= 0:
            super().deltas(net, e)


def test_a_rule_that_reads_numbers_is_refused():
    with pytest.raises(gpufa.InvalidValue, match="has no numbers, and a rule or a layer of your own reads some"):
        memory(gpufa.Config(**EASY), data(), Reads)


def test_what_is_no_config_is_refused():
    with pytest.raises(gpufa.InvalidValue, match="config"):
        memory({"rule": "dfa"})
