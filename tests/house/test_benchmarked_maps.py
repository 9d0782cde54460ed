"""Nets of maps in the benchmarks: what is timed, what is counted, and what is said of it."""

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def benchmarks_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


def works():
    from benchmarks.works import CPU, GPU

    return {work.name: work for work in (*CPU, *GPU) if work.layers}


def test_they_are_the_papers_nets():
    """He et al. 2016, section 4.2; Nøkland 2016's code; LeCun et al. 1998 with full connections of maps."""
    from benchmarks.start import start_of

    sizes = {name: sum(p.size for p in start_of(work).parameters.values()) for name, work in works().items()}
    assert sizes["ResNet-20, batch 64"] == 269_722
    assert sizes["LeNet, batch 64"] == 61_706
    maps = 96 * (75 + 1) + 128 * (96 * 25 + 1) + 256 * (128 * 25 + 1)
    assert sizes["Nøkland's CIFAR net, batch 64"] == maps + 2048 * 2305 + 2048 * 2049 + 10 * 2049


def test_a_small_net_is_of_the_same_kind():
    quick = works()["ResNet-20, batch 64"].quick
    assert quick.layers[1] == "conv 8 3x3 nobias, batch norm, relu"
    assert quick.layers[5].endswith("| shortcut 8 stride 2), relu")
    assert quick.layers[-1] == "dense 10"
    assert (quick.batch, quick.precision, quick.steps) == (8, "fp32", 1)


def test_all_begin_alike_and_no_array_is_gpufas_own():
    from benchmarks.contenders.ours import Ours
    from benchmarks.start import start_of

    work = works()["LeNet, batch 64"].quick
    start, again = start_of(work), start_of(work)
    for rule, own in start.carriers.items():
        ours = Ours(work, start, rule, "cpu")
        net = ours.trainer.net
        assert all(np.array_equal(net.arena[name][0], p) for name, p in start.parameters.items())
        assert set(own) == set(net.feedback)
        assert all(np.array_equal(net.feedback[name], B) for name, B in own.items())
        ours.step()
    assert all(np.array_equal(p, again.parameters[name]) for name, p in start.parameters.items())


def test_operations_of_convolutions_are_counted():
    from benchmarks import convolutions
    from benchmarks.contenders.ours import Ours
    from benchmarks.start import start_of
    from benchmarks.works import Work

    work = Work("", layers=("input 2x5x5", "conv 3 3x3 relu, conv 4 3x3 pad valid relu", "dense 10"), batch=8)
    ours = Ours(work, start_of(work), "dfa", "cpu")
    found = convolutions.measured(ours, 0.0, 1)
    first = 2 * 3 * 13**2  # taps on maps: 4, 5 and 4 places down, as many across
    second = 3 * 4 * 9 * 9
    assert found["operations"] == 2 * 8 * (2 * first + 3 * second)  # up and gradient; the second's error goes down, too
    assert found["seconds"] > 0
    assert found["peak"] is None or found["peak"] > 1e8


def test_what_is_compared_in_float64_begins_there():
    from dataclasses import replace

    from benchmarks.contenders.ours import Ours
    from benchmarks.start import start_of

    work = works()["ResNet-20, batch 64"].quick
    assert (work.dtype, work.checked) == ("float32", "float64")
    apart = replace(work, dtype=work.checked)
    start = start_of(apart)
    assert {a.dtype.name for a in (start.x, *start.weights, *start.feedback)} == {"float64"}
    assert Ours(apart, start, "dfa", "cpu").weights()[0].dtype == "float64"


def test_nets_in_frenkels_words():
    from benchmarks.contenders.layered.topology import act_of, topology

    lenet = works()["LeNet, batch 64"]
    assert topology(lenet, (1, 32, 32)) == "CONV_6_5_1_0_CONV_16_5_1_0_FC_120_FC_84_FC_10"
    assert act_of(lenet) == "relu"
    for name in ("LeNet-CIFAR, batch 128", "Nøkland's CIFAR net, batch 64", "ResNet-20, batch 64"):
        with pytest.raises(NotImplementedError, match="its networks have no"):
            topology(works()[name], (3, 32, 32))


def test_what_is_absent_or_other_says_why(monkeypatch):
    from benchmarks import contenders

    monkeypatch.setattr(contenders.importlib.util, "find_spec", lambda name: None)
    assert contenders.missing("torch dfa") == "torch is not installed"
    assert contenders.missing("drtp dfa") == "models is not installed, and no --drtp PATH names it"
    dense, maps = contenders.Work("", (3, 4)), works()["LeNet, batch 64"]
    assert not contenders.other("biotorch dfa", dense)
    assert not contenders.other("biotorch fa", maps)
    assert "another rule" in contenders.other("biotorch dfa", maps)


def record(threads, dfa, torch):
    rows = [
        {"contender": name, "ms": ms, "quartiles_ms": [ms, ms], "against_gpufa_dfa": ms / dfa} | more
        for name, ms, more in (
            ("gpufa dfa", dfa, {"grown_bytes": 9 << 20, "data_bytes": 1 << 20} | dict.fromkeys(BYTES, 1 << 19)),
            ("torch bp", torch, {"agrees": True}),
            ("biotorch dfa", 9.0, {"other": "another rule"}),
        )
    ]
    share = {"ms": 1.0, "gflops": 80.0 * threads, "peak_gflops": 100.0 * threads}
    work = {"work": "Nøkland's CIFAR net, batch 64", "replicas": 1, "layers": ["input 1x2x2"], "rows": rows}
    about = {"date": "2026-01-01", "packages": {}, "system": "s", "command": "c", "file": Path(f"{threads}.json")}
    facts = {"processor": "a machine"}
    return about | {"kind": "cpu", "threads": threads, "facts": facts, "works": [work | {"convolutions": share}]}


BYTES = "parameter_bytes", "activation_bytes", "allocated_bytes"


def test_what_an_optimizer_moves_is_said_beside_the_products():
    from benchmarks.aims import missed

    rows = [{"contender": name, "ms": ms} for name, ms in (("gpufa dfa", 2.0), ("bare products dfa", 1.0))]
    dense = {"kind": "cpu", "threads": 2, "works": [{"work": "784-800-800-10, batch 64, Adam", "rows": rows}]}
    count = 785 * 800 + 801 * 800 + 801 * 10
    said = f"1.00 ms beside 1.00 ms of products, in which Adam moves {28 * count / 1e6:.0f} MB at least"
    assert missed(dense)[-1] == f"- 784-800-800-10, batch 64, Adam: {said}"


def test_threads_stand_side_by_side(tmp_path):
    from benchmarks.quoted import BEGIN, END, quoted
    from benchmarks.steps import steps

    records = [record(2, 2.0, 4.0), record(1, 3.0, 3.6)]
    text = steps(records, tmp_path)
    assert text.startswith("## a machine, 2 threads, 1 thread\n")
    assert "\n`input 1x2x2`\n" in text
    assert "| torch bp | 4.000 | 4.000 to 4.000 | 2.00 | 3.600 | 3.600 to 3.600 | 1.20 |" in text
    assert "| biotorch dfa (other work) | 9.000 |" in text
    assert "Other work: biotorch dfa (another rule)." in text
    assert "take 1.00 ms, at 80 GFLOP/s, 80% of what 1 thread can multiply and add (100)." in text
    assert "grew by 9.0 MiB; its own copy of the data is 1.0 MiB, the parameters are 0.5 MiB" in text
    assert "| Nøkland's CIFAR net, batch 64 | gpufa dfa | torch bp | 0.80 | 0.50, reached | 0.83, **missed** |" in text
    assert "| convolutions | FMA peak | 0.70, at least | 0.80, reached | 0.80, reached |" in text
    assert text.count("Where the time goes in works that miss an aim") == 1
    where = "convolutions, at 80% of the FMA peak, are 1.00 of 3.00 ms"
    assert f"miss an aim, 1 thread:\n\n- Nøkland's CIFAR net, batch 64: {where}" in text
    assert (tmp_path / "performance-cpu-a-machine.png").exists()
    readme = quoted(records[0], f"before{BEGIN}{END}behind")
    assert "| net | gpufa dfa, ms | gpufa fa | gpufa bp | torch bp |" in readme
    assert "bare products" not in readme
    assert "| Nøkland's CIFAR net, batch 64 | 2.00 |  |  | 2.00 |  |  |  |  | 4.50 |" in readme
    assert quoted(records[0], "no marks") == "no marks"
