"""The command line: parse, call, print."""

import csv
import dataclasses
import functools
import io
import itertools
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import tyro
from tyro.conf import FlagCreatePairsOff, Positional

from ..backends import describe_all, faults
from ..basics import files
from ..basics.errors import GpufaError, InvalidValue
from ..basics.version import __version__
from ..checkpoints import networks, provenance
from ..data import datasets, namedsets
from ..data.about import CLASSIFICATION, REGRESSION, About, Wanted
from ..rules import RULES, find_rule, is_own
from ..training.config import Config
from ..training.toml import read_toml
from . import display, draw
from .flags import CompareFlags, TrainFlags
from .reproduce import reproduce
from .train import compare, resume, train

OK, BAD_INPUT, INTERRUPTED = 0, 2, 130
PATHS = "--data", "--out", "--start"  # flags whose value may be named like a config file


def evaluate(
    run: Positional[Path],
    data: str | None = None,
    features: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
    rule: str | None = None,
    backend: str = "auto",
    device: int = 0,
) -> int:
    """Loss and error of a trained network on its test data, or on others.

    Args:
        run: a run's folder or a checkpoint
        data: a data set's name or a file; the run's own test data where not given, or where that is the run's file
        features: columns of the file that are used, where it has others too
        drop: columns of the file that are left out
        rule: path/to/file.py:MyRule, where the run was trained by a rule of your own
        backend: auto, numpy or cupy
        device: which GPU, counted from 0
    """
    net = networks.load(run, backend, find_rule(rule) if rule else None, device)
    x, y, what = provenance.samples_of(run, net, data, _wanted(features, drop))
    if y is None:
        raise InvalidValue(f"{data!r} holds no labels or targets to evaluate against; use gpufa predict")
    scores = net.evaluate(x, y)
    display.scores(scores, net.seeds, display.console(), f"{run} on {what}")
    return OK


def predict(
    run: Positional[Path],
    data: Positional[str],
    out: Path | None = None,
    features: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
    rule: str | None = None,
    backend: str = "auto",
    device: int = 0,
) -> int:
    """Labels and probabilities as csv; with several seeds, of the mean of their outputs.

    Args:
        run: a run's folder or a checkpoint
        data: a data set's name, whose test part is taken, or a file of inputs
        out: the csv file; standard output where not given
        features: columns of the file that are used, where it has others too
        drop: columns of the file that are left out
        rule: path/to/file.py:MyRule, where the run was trained by a rule of your own
        backend: auto, numpy or cupy
        device: which GPU, counted from 0
    """
    net = networks.load(run, backend, find_rule(rule) if rule else None, device)
    x, _ = datasets.load_inputs(data, net.sizes.inputs, net.about, _wanted(features, drop))
    outputs = net.predict(x)
    outputs = outputs if net.single else outputs.mean(axis=0)
    digits = 12 if net.target_scaling else 6
    about = net.about or About(REGRESSION if net.output_loss.name == "squared_error" else CLASSIFICATION)
    classes = about.task == CLASSIFICATION
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*(["label"] if classes else []), *(f"output_{i}" for i in range(outputs.shape[1]))])
    for row in outputs:
        label = [about.class_name(int(row.argmax()))] if classes else []
        writer.writerow([*label, *(f"{v:.{digits}g}" for v in row)])
    if out:
        files.write(out, text.getvalue(), "predictions", "give another --out")
    else:
        print(text.getvalue(), end="", flush=True)
    return OK


def _wanted(features: tuple[str, ...], drop: tuple[str, ...]) -> Wanted:
    return Wanted(features=features or None, drop=drop or None)


def inspect(run: Positional[Path]) -> int:
    """What a run's folder or a checkpoint holds: settings, progress and arrays, its checksum verified.

    Args:
        run: a run's folder or a checkpoint
    """
    display.contents(*networks.contents(run), display.console(), str(run))
    return OK


def data(action: Positional[Literal["list", "fetch"]], name: Positional[str | None] = None) -> int:
    """List the data sets that gpufa knows by name, or download one into the cache.

    Args:
        action: list, or fetch NAME
        name: the data set to fetch
    """
    if action == "list":
        display.facts(namedsets.listed(), display.console())
    elif name is None:
        raise InvalidValue(f"gpufa data fetch needs a name; choose one of {', '.join(namedsets.DESCRIPTIONS)}")
    else:
        display.say(f"{name} is in {namedsets.fetch(name)}")
    return OK


def rules() -> int:
    """Every learning rule: its paper, what crosses between layers, what it keeps, which of backprop's locks it frees.

    A layer is locked "forward" where it waits for the layers below to run, "backward" where for the layer above
    to send its error back, and "update" where it waits for the output at all.
    """
    display.rules(RULES, display.console())
    return OK


def layers() -> int:
    """The words that nets are made of: --layers "dense 64 tanh, dropout 0.5" "residual(dense 64 tanh)"."""
    display.layers(display.console())
    return OK


def info() -> int:
    """The backend that would be used and why, and facts about CuPy, CUDA, BLAS and threads."""
    precision = f"{Config().dtype}; --dtype float64 for double precision"
    display.facts({"gpufa": __version__, **describe_all(), "dtype": precision}, display.console())
    return OK


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 when done, 2 for bad input, 3 when a seed diverged, 130 for a second Ctrl-C."""
    args = list(sys.argv[1:] if argv is None else argv)
    warnings.formatwarning = lambda message, *_: f"gpufa: {message}\n"
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a letter gets another one
    try:
        file = _take_config_file(args)
        base = read_toml(file) if file else Config()
        if is_own(base.rule) and not any(a.startswith("--rule") for a in args):
            raise InvalidValue(
                f"{file!r} names the rule {base.rule!r}, and no code runs because a config file names it;"
                f" name it yourself, --rule {base.rule}"
            )
        settings = {f.name: getattr(base, f.name) for f in dataclasses.fields(Config)}
        compared = {k: v for k, v in settings.items() if k != "rule"}
        commands: dict[str, Any] = {
            "train": functools.partial(train, flags=TrainFlags(**settings, file_rule=base.rule)),
            "resume": resume,
            "evaluate": evaluate,
            "predict": predict,
            "inspect": inspect,
            "plot": draw.plot,
            "report": draw.report,
            "compare": functools.partial(compare, flags=CompareFlags(**compared, file_rule=base.rule)),
            "data": data,
            "rules": rules,
            "layers": layers,
            "reproduce": reproduce,
            "info": info,
        }
        with faults():
            code: int = tyro.extras.subcommand_cli_from_dict(
                commands,
                prog="gpufa",
                description="Train neural networks without backpropagation.",
                args=args,
                config=(FlagCreatePairsOff,),
            )
        print(end="", flush=True)
        return code
    except GpufaError as error:
        print(f"gpufa: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        display.silence(sys.stdout)
        return OK
    except OSError as error:
        display.silence(sys.stdout)
        print(f"gpufa: a file or the output failed ({error}); see to it, and run this again", file=sys.stderr)
        return BAD_INPUT
    finally:
        display.Lasting(sys.stderr).flush()


def _take_config_file(args: list[str]) -> str | None:
    """Take the file of settings out of the arguments of a command that trains: what ends in .toml, and is no flag's."""
    if args and args[0] in ("train", "compare"):
        for at, (flag, arg) in enumerate(itertools.pairwise(args), start=1):
            if arg.endswith(".toml") and not arg.startswith("--") and flag not in PATHS:
                return args.pop(at)
    return None
