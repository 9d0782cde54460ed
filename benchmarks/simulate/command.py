"""python -m benchmarks simulate."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gpufa.backends import get_backend

from ..ranks.works import BATCH
from ..records import RESULTS, described, named, written
from .blocks import measured
from .model import Net, Network, alone, best_pipelined, data, efficiency, hybrid, layers, overlapped
from .picture import drawn

CLUSTER = Network(2e-6, 1 / 12.5e9, 0.0)  # InfiniBand of 100 Gb/s, as its makers say
RANKS = tuple(2**i for i in range(1, 11))
DEEP, LARGE = 1024, 1024  # blocks and batch of the net that is simulated
CHECKED = {
    "data, 2 processes": lambda net, network: data(net, network, 2, "dfa"),
    "layers, 2 processes": lambda net, network: layers(net, network, 2),
    "layers, 2 processes, overlapping": lambda net, network: overlapped(net, network, 2),
    "bp, data, 2 processes": lambda net, network: data(net, network, 2, "bp"),
}
WAYS = {
    "dfa, layers, overlapping": lambda net, network, ranks: overlapped(net, network, ranks),
    "dfa, 8 hold a net, data among them": lambda net, network, ranks: hybrid(net, network, ranks, min(8, ranks)),
    "dfa, layers": lambda net, network, ranks: layers(net, network, ranks),
    "dfa, data": lambda net, network, ranks: data(net, network, ranks, "dfa"),
    "bp, data": lambda net, network, ranks: data(net, network, ranks, "bp"),
    "bp, layers, in parts": best_pipelined,
}


def simulate(quick: bool = False, measured_by: Path | None = None, out: Path | None = None) -> None:
    """What steps by 2 to 1,024 processes would take, by a model fed with times that are measured first, and how near it
    comes to what python -m benchmarks ranks has measured of two.

    Args:
        quick: a small net, once: whether all of it runs
        measured_by: the results of ranks (results/ranks-PROCESSOR.json where not given)
        out: the file for the figures (results/simulated-PROCESSOR.json where not given)
    """
    facts = get_backend("numpy").describe()
    found = _messages()
    network = Network(*(found[name] for name in ("start", "byte", "added")))
    net = replace(measured(16, (64,) * 3, 1) if quick else measured(BATCH), crowding=found["crowding"])
    print(f"a message takes {network.start * 1e6:.2f} us and {network.byte * 1e9:.3f} ns a byte")
    print(f"a product takes {net.crowding:.2f} times as long while the other core computes")
    checked = _checked(net, network, measured_by or named("ranks", facts["processor"])) if not quick else []
    for row in checked:
        print(f"  {row['way']:36s} {row['ms']:8.2f} ms, the model {row['model_ms']:8.2f} ms ({row['off']:+.0%})")
    deep = replace(scaled(net, LARGE), blocks=DEEP, crowding=1.0)
    rows = simulated(deep, CLUSTER)
    record = described("simulate", facts, 1) | {"network": asdict(network), "net": asdict(net), "checked": checked}
    record |= {"cluster": asdict(CLUSTER), "deep": asdict(deep), "rows": rows}
    if not quick:
        written(record, out or named("simulated", facts["processor"]))
        drawn(rows, RESULTS.parents[1] / "docs" / "scale-simulated.png")


def scaled(net: Net, batch: int) -> Net:
    """The same blocks on a larger batch."""
    share = batch / net.batch
    return replace(net, batch=batch, **{part: net.took(getattr(net, part), share) for part in ("up", "down", "learn")})


def simulated(net: Net, network: Network) -> list[dict[str, Any]]:
    """The efficiency of each way by so many processes."""
    singles = {name: alone(net, name.split(",")[0]) for name in WAYS}
    return [
        {"way": name, "ranks": ranks, "efficiency": efficiency(took(net, network, ranks), singles[name], ranks)}
        for name, took in WAYS.items()
        for ranks in RANKS
    ]


def _checked(net: Net, network: Network, path: Path) -> list[dict[str, Any]]:
    """What two processes took, and what the model says of them."""
    if not path.exists():
        raise SystemExit(f"benchmarks: {path} is not there; run python -m benchmarks ranks first")
    took = {row["way"]: row["ms"] for row in json.loads(path.read_text(encoding="utf-8"))["rows"]}
    rows = []
    for way, says in CHECKED.items():
        model = says(net, network) * 1e3
        rows.append({"way": way, "ms": took[way], "model_ms": model, "off": model / took[way] - 1})
    return rows


def _messages() -> dict[str, Any]:
    mpiexec = Path(sys.executable).parent / "mpiexec"
    command = [mpiexec, "-n", "2", sys.executable, "-m", "benchmarks.simulate.messages"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout
    return dict(json.loads(answer))
