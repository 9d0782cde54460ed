"""A step of recurrent nets beside PyTorch's, JAX's, snnTorch's and Norse's, each in a process of its own that takes its
turns, and the memory of a step against how many steps in time it goes through."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

import gpufa
from gpufa.data.samples.data import Data
from gpufa.training.trainer import Trainer

from . import spiking
from .worker import PROCESS, memory

UNITS, CHANNELS, STEPS, BATCH, CLASSES = 256, 64, 64, 64, 10
QUICK = {"units": 16, "channels": 4, "steps": 6, "batch": 8}
FULL = {"units": UNITS, "channels": CHANNELS, "steps": STEPS, "batch": BATCH}
HISTORY = {"by": "history"}
# By contender: the layer, who makes it, and for gpufa the rule and its options.
CONTENDERS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    **{f"gpufa {cell} {rule}": (cell, "gpufa", rule, {}) for cell in ("gru", "lstm") for rule in ("bp", "fa", "dfa")},
    **{f"gpufa {cell} eprop": (cell, "gpufa", "eprop", HISTORY) for cell in ("gru", "lstm")},
    **{f"torch {cell} bptt": (cell, "torch", "", {}) for cell in ("gru", "lstm")},
    "jax gru bptt": ("gru", "jax", "", {}),
    **{f"gpufa lif {rule}": ("lif", "gpufa", rule, {}) for rule in ("bp", "dfa")},
    "gpufa lif eprop": ("lif", "gpufa", "eprop", HISTORY),
    "snntorch lif bptt": ("lif", "snntorch", "", {}),
    "norse lif bptt": ("lif", "norse", "", {}),
}
SPIKING_STEPS = 500  # of LIF units, with half of the batch
LENGTHS, SHORT = (64, 256, 1024, 4096), (8, 32)
KEPT = {"bp": {}, "eprop": {}}


def run(threads: int, rounds: int, quick: bool, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """A row for each contender whose library is there: milliseconds a step, the median of turns."""
    there = {name: one for name, one in CONTENDERS.items() if one[1] == "gpufa" or find_spec(one[1])}
    workers = {name: _worker({"name": name, **(QUICK if quick else FULL)}, threads) for name in there}
    times: dict[str, list[float]] = {name: [] for name in there}
    for _ in range(rounds):
        for name, worker in workers.items():
            print(1 if quick else 5, file=worker.stdin, flush=True)
            times[name].append(float(worker.stdout.readline()))
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    rows = [{"contender": name, "ms": 1e3 * float(np.median(found))} for name, found in times.items()]
    for row in rows:
        say(f"  {row['contender']:16s} {row['ms']:9.2f} ms a step")
    return rows


def memory_rows(threads: int, quick: bool, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Bytes of the peak of two steps beyond the data, of backpropagation through time and of e-prop by traces."""
    rows = []
    for rule in KEPT:
        for steps in SHORT if quick else LENGTHS:
            worker = _worker({"rule": rule, "steps": steps}, threads)
            rows.append({"rule": rule, "steps": steps, "bytes": int(worker.stdout.readline())})
            worker.wait()
            say(f"  {rule:6s} {steps:5d} steps {rows[-1]['bytes'] / 1e6:9.1f} MB")
    return rows


def _worker(order: dict[str, Any], threads: int) -> Any:
    environment = {f"{lib}_NUM_THREADS": str(threads) for lib in ("OPENBLAS", "OMP", "MKL")}
    flags = {"XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}"}
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.through_time", json.dumps(order)],
        env={**os.environ, **environment, **flags},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def batch(steps: int, channels: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """x, (samples, channels, time), and labels."""
    draw = np.random.default_rng(0)
    return draw.normal(size=(size, channels, steps)).astype(np.float32), np.arange(size) % CLASSES


def in_gpufa(cell: str, rule: str, options: dict[str, Any], units: int, channels: int, steps: int, size: int) -> Any:
    x, y = batch(steps, channels, size)
    y[0] = CLASSES - 1
    flat = x.reshape(size, -1)
    settings: dict[str, Any] = {"rule": rule, "rule_options": options, "optimizer": "adam", "backend": "numpy"}
    settings |= {
        "layers": (f"input {channels}x{steps}", f"{cell} {units}{' surrogate arctan' * (cell == 'lif')}"),
        "batch_size": size,
        "epochs": 10**6,
    }
    trainer = Trainer(gpufa.Config(**settings, seeds=(0,)), Data(flat, y, flat[:2], y[:2]))

    def step() -> None:
        trainer.begin_epoch()
        trainer.step()
        trainer.progress.start_epoch()

    return step


def in_torch(cell: str, units: int, channels: int, steps: int, size: int) -> Any:
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    x, y = (torch.from_numpy(a) for a in batch(steps, channels, size))
    layer = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](channels, units)
    last = torch.nn.Linear(units, CLASSES)
    optimizer = torch.optim.Adam([*layer.parameters(), *last.parameters()])
    by_time = x.permute(2, 0, 1).contiguous()

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(last(layer(by_time)[0][-1]), y).backward()
        optimizer.step()

    return step


def in_spiking(library: str, units: int, channels: int, steps: int, size: int) -> Any:
    import torch

    x, y = (torch.from_numpy(a) for a in batch(steps, channels, size))
    make = {"snntorch": spiking.in_snntorch, "norse": spiking.in_norse}[library]
    return make(units, channels, x.permute(2, 0, 1).contiguous(), y, CLASSES)


def in_jax(units: int, channels: int, steps: int, size: int) -> Any:
    import jax
    import jax.numpy as jnp

    x, y = batch(steps, channels, size)
    by_time, labels = jnp.asarray(np.moveaxis(x, 2, 0)), jnp.asarray(y)
    draw = np.random.default_rng(1)
    shapes = {"W": (channels, 3 * units), "U": (units, 3 * units), "b": (3 * units,), "c": (units,)}
    shapes |= {"V": (units, CLASSES), "d": (CLASSES,)}
    p = {name: jnp.asarray(draw.uniform(-0.06, 0.06, shape), jnp.float32) for name, shape in shapes.items()}
    zeros = jax.tree.map(jnp.zeros_like, p)

    def loss(p: Any) -> Any:
        def one(h: Any, a: Any) -> Any:
            u = h @ p["U"]
            r, z = jnp.split(jax.nn.sigmoid(a[:, : 2 * units] + u[:, : 2 * units]), 2, axis=1)
            n = jnp.tanh(a[:, 2 * units :] + r * (u[:, 2 * units :] + p["c"]))
            return n + z * (h - n), None

        h, _ = jax.lax.scan(one, jnp.zeros((size, units)), by_time @ p["W"] + p["b"])
        return -jax.nn.log_softmax(h @ p["V"] + p["d"])[jnp.arange(size), labels].mean()

    @jax.jit
    def update(p: Any, m: Any, v: Any) -> Any:
        g = jax.grad(loss)(p)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        return jax.tree.map(lambda p, m, v: p - 1e-3 * m / (jnp.sqrt(v) + 1e-8), p, m, v), m, v

    held = [p, zeros, zeros]

    def step() -> None:
        held[:] = update(*held)
        jax.block_until_ready(held)

    return step


def peak(rule: str, steps: int) -> int:
    """Bytes, here: an LSTM of 32 units on 8 channels, batch 32."""
    step = in_gpufa("lstm", rule, KEPT[rule], 32, 8, steps, 32)
    PROCESS.joinpath("clear_refs").write_text("5")  # the peak begins anew, here
    before = memory("VmRSS")
    step()
    step()
    return memory("VmHWM") - before


def main(order: dict[str, Any]) -> None:
    if "rule" in order:
        print(peak(order["rule"], order["steps"]))
        return
    cell, library, rule, options = CONTENDERS[order.pop("name")]
    if cell == "lif" and order["steps"] == STEPS:
        order |= {"steps": SPIKING_STEPS, "batch": BATCH // 2}
    sizes = order["units"], order["channels"], order["steps"], order["batch"]
    made = {"torch": lambda: in_torch(cell, *sizes), "jax": lambda: in_jax(*sizes)}
    made |= dict.fromkeys(("snntorch", "norse"), lambda: in_spiking(library, *sizes))
    step = made[library]() if library in made else in_gpufa(cell, rule, options, *sizes)
    step()
    step()
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        print((time.perf_counter() - start) / int(line), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
