"""A step of a graph convolutional net on all nodes of a graph, beside PyTorch's sparse products and torch_geometric's
GCNConv: in turn, each in a process of its own."""

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
from gpufa.data.datasets import load_data
from gpufa.training.trainer import Trainer

HIDDEN, LR, CHECKED = 16, 0.01, 20
WAYS: dict[str, dict[str, Any]] = {
    "gpufa dfa along edges": {"rule": "dfa", "rule_options": {"graph": True}},
    "gpufa dfa": {"rule": "dfa"},
    "gpufa bp": {"rule": "bp"},
    "torch bp": {"package": "torch"},
    "torch bp compiled": {"package": "torch", "compiled": True},
    "torch_geometric bp": {"package": "torch_geometric"},
}
ROUND = 0.2  # seconds that a contender is timed in a turn


def made() -> dict[str, Any]:
    """A small graph, for a test of the script itself."""
    draw = np.random.default_rng(0)
    y = np.arange(60) % 3
    edges = np.unique(np.sort(draw.integers(0, 60, (150, 2)), axis=1), axis=0)
    parts = {"train": np.arange(12), "val": np.arange(12, 30), "test": np.arange(30, 60)}
    return {"x": draw.random((60, 10)), "y": y, "edges": edges[edges[:, 0] < edges[:, 1]], **parts}


class Ours:
    def __init__(self, data: gpufa.Data, dropout: float, rule: str, rule_options: dict[str, Any] | None = None) -> None:
        config = gpufa.Config(
            rule=rule,
            rule_options=rule_options or {},
            layers=(f"neighbours, dense {HIDDEN} relu{f', dropout {dropout}' if dropout else ''}", "neighbours"),
            **{"input_dropout": dropout, "optimizer": "adam", "lr": LR, "init": "glorot", "scaling": "rows"},
            **{"seeds": (0,), "epochs": 10**6, "backend": "numpy"},
        )
        self.trainer = Trainer(config, data)
        self.trainer.begin_epoch()

    def step(self) -> None:
        self.trainer.progress.batch = 0
        self.trainer.rates.write()
        self.trainer.step()

    def weights(self) -> list[np.ndarray]:
        return [np.array(self.trainer.net.arena[f"W{k}"][0]) for k in (1, 2)]


class Torch:
    """Adam on the cross-entropy of the nodes that are trained on; W first, then the sparse weights, as PyG does."""

    def __init__(self, data: gpufa.Data, dropout: float, package: str = "torch", compiled: bool = False) -> None:
        import torch

        start = Ours(data, 0.0, "bp").weights()
        sums = data.x_train.sum(axis=1, keepdims=True)
        self.x = torch.from_numpy(np.asarray(data.x_train / (sums + (sums == 0)), np.float32))
        known = data.y_train >= 0
        self.known, self.y = torch.from_numpy(np.flatnonzero(known)), torch.from_numpy(data.y_train[known])
        self.net = (_geometric if package == "torch_geometric" else _sparse)(torch, data, start, dropout)
        self.parameters = list(self.net.parameters())
        self.optimizer = torch.optim.Adam(self.parameters, lr=LR)
        self.run, self.loss = torch.compile(self.net) if compiled else self.net, torch.nn.functional.cross_entropy

    def step(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.run(self.x)[self.known], self.y).backward()
        self.optimizer.step()

    def weights(self) -> list[np.ndarray]:
        return [p.detach().numpy().copy() for p in self.parameters if p.ndim == 2]


def _sparse(torch: Any, data: gpufa.Data, start: list[np.ndarray], dropout: float) -> Any:
    A = data.graph.weights().astype(np.float32)
    weights = torch.sparse_csr_tensor(*(torch.from_numpy(a) for a in (A.indptr, A.indices, A.data)), size=A.shape)

    class Net(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList(torch.nn.Linear(*W.shape[::-1], bias=False) for W in start)
            self.biases = torch.nn.ParameterList(torch.zeros(len(W)) for W in start)
            self.drop = torch.nn.Dropout(dropout)
            for layer, W in zip(self.layers, start, strict=True):
                layer.weight.data = torch.from_numpy(W.copy())

        def forward(self, x: Any) -> Any:
            h = torch.relu(weights @ self.layers[0](self.drop(x)) + self.biases[0])
            return weights @ self.layers[1](self.drop(h)) + self.biases[1]

    return Net()


def _geometric(torch: Any, data: gpufa.Data, start: list[np.ndarray], dropout: float) -> Any:
    from torch_geometric.nn import GCNConv

    both = np.concatenate([data.graph.edges, data.graph.edges[:, ::-1]]).T
    edges = torch.from_numpy(np.ascontiguousarray(both))

    class Net(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList(GCNConv(*W.shape[::-1], cached=True) for W in start)
            self.drop = torch.nn.Dropout(dropout)
            for layer, W in zip(self.layers, start, strict=True):
                layer.lin.weight.data = torch.from_numpy(W.copy())

        def forward(self, x: Any) -> Any:
            return self.layers[1](self.drop(torch.relu(self.layers[0](self.drop(x), edges))), edges)

    return Net()


def made_of(way: str, source: str, dropout: float) -> Ours | Torch:
    """A contender on the graph of that name, or a made one."""
    what, data = WAYS[way], load_data(source) if source else load_data(made())
    return Torch(data, dropout, **what) if "package" in what else Ours(data, dropout, **what)


def run(source: str, dropout: float, threads: int, rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """A row for each contender: median and quartiles in milliseconds a step, and whether its weights are those of
    gpufa's backprop after some steps without dropout."""
    rows, workers = [], dict[str, Any]()
    environment = os.environ | {f"{lib}_NUM_THREADS": str(threads) for lib in ("OPENBLAS", "OMP", "MKL")}
    for way, what in WAYS.items():
        rows.append({"contender": way})
        if (package := what.get("package")) and find_spec(package) is None:
            rows[-1]["absent"] = f"{package} is not installed"
            continue
        command = [sys.executable, "-m", "benchmarks.graphs", json.dumps([way, source, dropout])]
        workers[way] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
    probes = {way: json.loads(worker.stdout.readline()) for way, worker in workers.items()}
    times = _times(workers, rounds)
    for row in rows:
        if (way := row["contender"]) in workers:
            low, middle, high = np.quantile(times[way], [0.25, 0.5, 0.75]) * 1e3
            row |= {"ms": float(middle), "quartiles_ms": [float(low), float(high)]}
        if way in workers and way.endswith(("bp", "bp compiled")):
            pairs = zip(probes[way], probes["gpufa bp"], strict=True)
            row["differs_by"] = float(max(np.abs(np.subtract(a, b)).max() / np.abs(b).max() for a, b in pairs))
        say(described(row))
    return rows


def _times(workers: dict[str, Any], rounds: int) -> dict[str, list[float]]:
    """Seconds a step, round by round, the contenders taking turns."""

    def ask(worker: Any, steps: int) -> float:
        worker.stdin.write(f"{steps}\n")
        worker.stdin.flush()
        return float(worker.stdout.readline()) / steps

    try:
        steps = {way: max(1, round(ROUND / max(ask(worker, 3), 1e-6))) for way, worker in workers.items()}
        times: dict[str, list[float]] = {way: [] for way in workers}
        for _ in range(rounds):
            for way, worker in workers.items():
                times[way].append(ask(worker, steps[way]))
    finally:
        for worker in workers.values():
            worker.stdin.close()
            worker.wait()
    return times


def described(row: dict[str, Any]) -> str:
    if "absent" in row:
        return f"  {row['contender']:24s} {row['absent']}"
    agrees = f", differs by {row['differs_by']:.1e} after {CHECKED} steps" if "differs_by" in row else ""
    return f"  {row['contender']:24s} {row['ms']:8.2f} ms a step{agrees}"


def work(way: str, source: str, dropout: float) -> None:
    """A contender: first its weights after some steps without dropout, then for each number of steps that comes in the
    seconds that these take."""
    checked = made_of(way, source, 0.0)
    for _ in range(CHECKED):
        checked.step()
    print(json.dumps([W.tolist() for W in checked.weights()]), flush=True)
    timed = made_of(way, source, dropout)
    timed.step()
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            timed.step()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    work(*json.loads(sys.argv[1]))
