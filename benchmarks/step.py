"""One training step against its bare matrix products, in one process: python -m benchmarks.step [--threads 2]

A and B take turns, so that both see the same machine; medians of the rounds are quoted. The bare products are those
that the rule cannot do without, each into an array of its own, through the same BLAS.
"""

import argparse
import json
import os
import statistics
import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[784, 800, 800, 10])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rules", nargs="+", default=["dfa", "fa", "bp"])
    parser.add_argument("--optimizers", nargs="+", default=["sgd", "rmsprop", "adam"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    args = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = str(args.threads)  # before NumPy is loaded

    import numpy as np

    from gpufa import Config, Data
    from gpufa.trainer import Trainer

    m, (n0, *hidden, outputs) = args.batch_size, args.sizes
    rng = np.random.default_rng(0)
    x, y = rng.random((64 * m, n0), np.float32), rng.integers(0, outputs, 64 * m)
    y[:outputs] = np.arange(outputs)

    contenders: dict[str, Callable[[], None]] = {}
    allocated = {}
    for rule in args.rules:
        for optimizer in args.optimizers:
            config = Config(
                rule=rule, hidden=tuple(hidden), optimizer=optimizer, lr=1e-5, batch_size=m, seeds=(0,), backend="numpy"
            )
            trainer = Trainer(config, Data(x, y, x[:m], y[:m]))
            trainer.begin_epoch()

            def step(trainer: Trainer = trainer) -> None:
                if trainer.progress.batch == 64:
                    trainer.progress.batch = 0
                    trainer.begin_epoch()
                trainer.step()

            contenders[f"{rule} {optimizer}"] = step
            allocated[f"{rule} {optimizer}"] = peak(step, tracemalloc)
        contenders[f"{rule} bare products"] = bare_products(trainer, rule)
    contenders["copy of the arena"] = lambda: np.copyto(trainer.update.grads.flat, trainer.net.arena.flat)

    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(args.rounds):
        for name, call in contenders.items():
            times[name].append(timed(call))
    medians = {name: statistics.median(t) * 1e3 for name, t in times.items()}

    facts = trainer.net.backend.describe()
    print(f"{'-'.join(map(str, args.sizes))}, batch {m}, float32, {args.threads} threads, {facts['BLAS']}")
    rows = []
    for name, t in medians.items():
        floor = medians.get(f"{name.split()[0]} bare products")
        ratio = round(t / floor, 3) if floor else None
        rows.append(
            {"what": name, "ms": round(t, 4), "against_bare_products": ratio, "allocated_bytes": allocated.get(name)}
        )
        shown = f"{ratio:.2f} x bare products" if ratio else ""
        peak_text = f"peak allocation in a step {allocated[name]:,} bytes" if name in allocated else ""
        print(f"{name:24s} {t:8.3f} ms   {shown:22s} {peak_text}")
    if args.out:
        record = {
            "date": str(date.today()),
            "threads": args.threads,
            **facts,
            "sizes": args.sizes,
            "batch": m,
            "rows": rows,
        }
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(record, indent=2) + "\n")


def bare_products(trainer, rule: str) -> Callable[[], None]:
    """Forward products, the rule's feedback products and the weight gradients, and nothing else."""
    import numpy as np

    net, m = trainer.net, trainer.batches.size
    gemm, sizes, L = net.backend.gemm, net.sizes, net.sizes.L
    h = [np.random.default_rng(k).random((1, sizes[k], m), np.float32) for k in range(L + 1)]
    h[0] = np.random.default_rng(0).random((1, m, sizes[0]), np.float32).swapaxes(1, 2)
    delta = [np.random.default_rng(k).random((1, sizes[k], m), np.float32) for k in range(L + 1)]
    out = [np.empty_like(d) for d in delta]
    stacked = np.empty((1, sizes.hidden_units, m), np.float32)
    W = [None, *(np.random.default_rng(k).random((1, sizes[k], sizes[k - 1]), np.float32) for k in range(1, L + 1))]
    dW = [None, *(np.zeros_like(w) for w in W[1:])]
    B = net.fixed.B

    def run() -> None:
        for k in range(1, L + 1):
            gemm(W[k], h[k - 1], out=out[k])
        if rule == "dfa":
            gemm(B.stacked, delta[L], out=stacked)
        else:
            for k in range(L - 1, 0, -1):
                gemm(W[k + 1].swapaxes(1, 2) if rule == "bp" else B[k], delta[k + 1], out=out[k])
        for k in range(1, L + 1):
            gemm(delta[k], h[k - 1].swapaxes(1, 2), out=dW[k])

    return run


def timed(call: Callable[[], None], repeats: int = 5) -> float:
    """Seconds a call, the median of a few in a row after one that warms the caches."""
    call()
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def peak(call: Callable[[], None], tracer) -> int:
    """The most bytes that Python and NumPy held at once during a call, beyond what they held before it."""
    for _ in range(3):
        call()
    tracer.start()
    call()
    found = tracer.get_traced_memory()[1]
    tracer.stop()
    return found


if __name__ == "__main__":
    main()
