"""python -m benchmarks COMMAND: measure, do harm on purpose, and write the docs of it. --help lists the commands."""

from pathlib import Path

from cyclopts import App

from gpufa.backends import get_backend, why_no_gpu

from . import counts as steps
from . import epoch as epochs_
from . import feedback as maps
from . import footprint as footprints
from . import graphs as graphs_
from . import long_runs as lengths
from . import many_runs as folders
from . import pieces as pieces_
from . import report as pages
from . import reproductions as reproductions_
from . import scaling as scales
from . import streams as streams_
from . import threshold as thresholds
from . import through_time as times
from .first_gpu.command import first_gpu
from .peers import cpu, gpu
from .ranks.command import ranks
from .records import RESULTS, described, named, written
from .reliability.command import drift, reliability, trial
from .runner import run
from .simulate.command import simulate
from .works import RULES


def threshold(rounds: int = 15, out: Path | None = None) -> None:
    """On a GPU: from how many outputs on feedback is better done by cuBLAS than by the one fused launch.

    Args:
        rounds: turns of either way
        out: the file for the figures (results/threshold-NAME.json where not given)
    """
    if reason := why_no_gpu():
        raise SystemExit(f"benchmarks: no GPU: {reason}")
    backend = get_backend("cupy")
    facts = backend.describe()
    record = described("threshold", facts, 4)
    record["rows"] = thresholds.run(backend, rounds, lambda line: print(line, flush=True))
    written(record, out or named("threshold", facts["device"]))


def scaling(quick: bool = False, threads: int = 2, rounds: int = 7, out: Path | None = None) -> None:
    """Step time of gpufa against width, depth, batch, replicas and classes, on the CPU.

    Args:
        quick: two points of each axis, once
        threads: of BLAS
        rounds: measurements of each point
        out: the file for the figures (results/scaling-PROCESSOR.json where not given)
    """
    grown("scaling", scales.time_of(1 if quick else rounds), quick, threads, out)


def rules(quick: bool = False, threads: int = 2, rounds: int = 9, out: Path | None = None) -> None:
    """A step of every rule, in turn, on the CPU.

    Args:
        quick: a small net, once
        threads: of BLAS
        rounds: turns of each rule
        out: the file for the figures (results/rules-PROCESSOR.json where not given)
    """
    facts = get_backend("numpy").describe()
    record = described("rules", facts, threads)
    record |= run(RULES, "cpu", threads, rounds, quick, lambda line: print(line, flush=True))
    if not quick:
        written(record, out or named("rules", facts["processor"]))


def counts(out: Path = RESULTS / "counts.json") -> None:
    """Launches, products, copies and waits of a step of every rule on a GPU, into docs/gpu.md.

    Args:
        out: the file for the figures
    """
    rows = steps.run(steps.standin())
    written(described("counts", {}, 1) | {"rows": rows}, out)
    print(f"wrote {steps.write(rows)}")


def memory(quick: bool = False, threads: int = 2, out: Path | None = None) -> None:
    """Peak memory of gpufa against width, depth, batch, replicas and classes, on the CPU.

    Args:
        quick: two points of each axis
        threads: of BLAS
        out: the file for the figures (results/memory-PROCESSOR.json where not given)
    """
    grown("memory", scales.memory_of, quick, threads, out)


def footprint(
    quick: bool = False, threads: int = 1, optimizers: tuple[str, ...] = ("momentum",), out: Path | None = None
) -> None:
    """Peak memory of steps and of runs, beside theory and beside what gpufa.memory says beforehand, into docs/scale.md.

    Args:
        quick: small nets, nothing written
        threads: of BLAS
        optimizers: a row for each
        out: the file for the figures (results/footprint-PROCESSOR.json where not given)
    """
    facts = get_backend("numpy").describe()
    record = described("footprint", facts, threads)
    record["rows"] = footprints.run(threads, optimizers, quick, lambda line: print(line, flush=True))
    if not quick:
        written(record, out or named("footprint", facts["processor"]))
        print(f"wrote {footprints.write(record['rows'])}")


def pieces(quick: bool = False, threads: int = 1, rounds: int = 9, out: Path | None = None) -> None:
    """A step whose gradient the optimizer takes in pieces, beside one that makes all of it at once, on the CPU.

    Args:
        quick: one net and optimizer, once
        threads: of BLAS
        rounds: turns of each way
        out: the file for the figures (results/pieces-PROCESSOR.json where not given)
    """
    facts = get_backend("numpy").describe()
    record = described("pieces", facts, threads)
    record["rows"] = pieces_.run(threads, 1 if quick else rounds, quick, lambda line: print(line, flush=True))
    if not quick:
        written(record, out or named("pieces", facts["processor"]))


def feedback(quick: bool = False, threads: int = 1, steps: int = 5, out: Path | None = None) -> None:
    """Peak memory and step time of direct feedback to large maps, stored and procedural, on the CPU.

    Args:
        quick: small maps
        threads: of BLAS
        steps: that are timed, behind the first
        out: the file for the figures (results/feedback-PROCESSOR.json where not given)
    """
    facts = get_backend("numpy").describe()
    record = described("feedback", facts, threads)
    record["rows"] = maps.run(threads, steps + 1, quick, lambda line: print(line, flush=True))
    if not quick:
        written(record, out or named("feedback", facts["processor"]))


def through_time(quick: bool = False, threads: int = 1, rounds: int = 9, out: Path | None = None) -> None:
    """A step of recurrent nets beside PyTorch's and JAX's where they are installed, and its memory against the number
    of steps in time, on the CPU.

    Args:
        quick: small nets, once
        threads: of BLAS
        rounds: turns of each
        out: the file for the figures (results/through_time-PROCESSOR.json where not given)
    """
    facts = get_backend("numpy").describe()
    record = described("through_time", facts, threads, ("snntorch", "norse"))
    record["rows"] = times.run(threads, 1 if quick else rounds, quick, lambda line: print(line, flush=True))
    record["memory"] = times.memory_rows(threads, quick, lambda line: print(line, flush=True))
    if not quick:
        written(record, out or named("through_time", facts["processor"]))


def graphs(
    quick: bool = False,
    threads: int = 1,
    rounds: int = 15,
    data: str = "cora",
    dropout: float = 0.5,
    out: Path | None = None,
) -> None:
    """A step of a graph convolutional net beside PyTorch and torch_geometric, on the CPU.

    Args:
        quick: a small made graph, once
        threads: of BLAS and PyTorch
        rounds: turns of each contender
        data: the graph, by its name or file
        dropout: of inputs and hidden units
        out: the file for the figures (results/graphs-PROCESSOR.json where not given)
    """
    facts = get_backend("numpy").describe()
    record = described("graphs", facts, threads, ("torch_geometric",)) | {"data": data, "dropout": dropout}
    source, turns = ("", 1) if quick else (data, rounds)
    record["rows"] = graphs_.run(source, dropout, threads, turns, lambda line: print(line, flush=True))
    if not quick:
        written(record, out or named("graphs", facts["processor"]))


def grown(kind: str, measured: scales.Measured, quick: bool, threads: int, out: Path | None) -> None:
    """Measure along all axes, and write the figures down."""
    facts = get_backend("numpy").describe()
    record = described(kind, facts, threads)
    record["rows"] = scales.run("cpu", threads, measured, quick, lambda line: print(line, flush=True))
    if not quick:
        written(record, out or named(kind, facts["processor"]))


def epoch(threads: int = 2, epochs: int = 7, out: Path | None = None) -> None:
    """An epoch of MNIST's size, 2x800 units, all included, against its steps alone.

    Args:
        threads: of BLAS
        epochs: measurements
        out: the file for the figures (results/epoch-PROCESSOR.json where not given)
    """
    found = epochs_.run(threads, epochs)
    facts = get_backend("numpy").describe()
    written(described("epoch", facts, threads) | found, out or named("epoch", facts["processor"]))
    print(f"an epoch {found['epoch_s']:.3f} s, its {found['steps']} steps {found['steps_s']:.3f} s")


def streams(quick: bool = False, threads: int = 2, rounds: int = 9, out: Path | None = None) -> None:
    """An epoch's steps on samples that stay in their file, against the same in memory, on the CPU.

    Args:
        quick: a small net, once
        threads: of BLAS
        rounds: turns of either
        out: the file for the figures (results/streams-PROCESSOR.json where not given)
    """
    facts = get_backend("numpy").describe()
    record = described("streams", facts, threads)
    record["rows"] = streams_.run(threads, 1 if quick else rounds, quick=quick)
    for row in record["rows"]:
        share = row["memory_s"] / row["streamed_s"]
        print(f"{row['form']}: {row['streamed_s']:.3f} s, in memory {row['memory_s']:.3f} s: {share:.2f} of the speed")
    if not quick:
        written(record, out or named("streams", facts["processor"]))


def long_runs(epochs: int = 100_000, before: Path | None = None, old_epochs: int = 6000) -> None:
    """Processor time of an epoch of a tiny net whose folder is kept, after ever more epochs.

    Args:
        epochs: of the run
        before: a checkout of another gpufa, which is measured too
        old_epochs: of that one
    """
    lengths.run(epochs, before, old_epochs, lambda line: print(line, flush=True))


def many_runs(before: Path | None = None, most: int = 500) -> None:
    """Processor time and peak memory of gpufa list and gpufa report on ever more runs.

    Args:
        before: a checkout of another gpufa, which is measured too
        most: runs
    """
    folders.run(before, most, lambda line: print(line, flush=True))


def report() -> None:
    """Write docs/performance.md anew from all results."""
    print(f"wrote {pages.write(RESULTS)}")


def reproductions(runs: Path | None = None) -> None:
    """Write docs/reproductions.md anew from all records.

    Args:
        runs: the folder that gpufa reproduce wrote to, whose records and figures are taken over first
    """
    results = RESULTS / "reproductions"
    if runs is not None:
        reproductions_.collect(runs, results)
    print(f"wrote {reproductions_.write(results)}")


BESIDE = cpu, gpu, first_gpu, threshold
STEPS = (
    scaling,
    memory,
    footprint,
    pieces,
    feedback,
    through_time,
    graphs,
    rules,
    epoch,
    streams,
    ranks,
    simulate,
    counts,
)
RUNS = long_runs, many_runs
PAGES = report, reproductions, trial, drift, reliability

if __name__ == "__main__":
    commands = {c.__name__.replace("_", "-"): c for c in (*BESIDE, *STEPS, *RUNS, *PAGES)}
    app = App(name="python -m benchmarks", help_format="plaintext")
    for name, command in commands.items():
        app.command(command, name=name)
    app()
