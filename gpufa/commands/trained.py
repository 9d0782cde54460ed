"""The commands that use what is trained: evaluate, predict, inspect."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from ..basics import files
from ..basics.arguments import home_path
from ..basics.console import console
from ..basics.errors import InvalidValue
from ..checkpoints import networks, provenance
from ..data.arrays import folders
from ..data.samples.about import CLASSIFICATION, Wanted
from ..data.samples.target import by_name
from ..data.streams.room import Way
from ..network import Network
from ..rules import find_rule
from . import display

OK = 0
AT_ONCE, PIECE = 2000, 64 << 20  # samples whose outputs are written at a time, at most, and their bytes


@dataclass(frozen=True)
class Use:
    """How a trained net is loaded, and which columns of a file it is given."""

    features: tuple[str, ...] = ()
    """columns of the file that are used, where it has others too"""
    drop: tuple[str, ...] = ()
    """columns of the file that are left out"""
    rule: str | None = None
    """path/to/file.py:MyRule, where the run was trained by a rule of your own"""
    parts: tuple[str, ...] = ()
    """path/to/file.py:NAME of each activation, loss and so on of your own that it was trained with"""
    tokenizer: str | None = None
    """path/to/file.py:NAME, where its text was made tokens by your own"""
    encoding: str | None = None
    """what a file of text is written in, utf-8 where not given"""
    stream: Literal["auto", "always", "never"] = "auto"
    """whether a file is read some samples at a time: auto does that where memory does not hold it"""
    backend: str = "auto"
    """auto, numpy or cupy"""
    device: int = 0
    """which GPU, counted from 0"""

    def net(self, run: Path) -> Network:
        return networks.load(run, self.backend, find_rule(self.rule) if self.rule else None, self.device, self.parts)

    @property
    def wanted(self) -> Wanted:
        columns = self.features or None, self.drop or None
        return Wanted(features=columns[0], drop=columns[1], tokens=self.tokenizer, encoding=self.encoding)

    @property
    def way(self) -> Way:
        return Way(self.stream)


Used = Annotated[Use, Parameter(name="*")]
AS_IT_IS = Use()


def evaluate(run: Path, /, *, data: str | None = None, use: Used = AS_IT_IS) -> int:
    """Scores of a trained network on its test data, or on others.

    Args:
        run: a run's folder or a checkpoint
        data: a data set's name or a file; the run's own test data where not given, or where that is the run's file
    """
    net = use.net(run)
    x, y, what = provenance.samples_of(run, net, data, use.wanted, use.way)
    if y is None:
        raise InvalidValue(f"{data!r} holds no labels or targets to evaluate against; use gpufa predict")
    scores = net.evaluate(x, by_name(y, net.about))
    display.scores(scores, net, console(), f"{run} on {what}")
    return OK


def predict(run: Path, data: str, /, *, out: Path | None = None, use: Used = AS_IT_IS) -> int:
    """Labels and probabilities as csv; with several seeds, of the mean of their outputs.

    Args:
        run: a run's folder or a checkpoint
        data: a data set's name, whose test part is taken, or a file of inputs
        out: the csv file; standard output where not given
    """
    if out and folders.holds(home_path(data, "data"), out):
        raise InvalidValue(f"the predictions would take the place of the data in {str(out)!r}; give another --out")
    net = use.net(run)
    if net.sizes.places > 1:
        raise InvalidValue(
            f"{str(run)!r} predicts at each of {net.sizes.places} places, and predict writes a line a sample; use"
            " gpufa.load(run).predict(x), and of text gpufa generate"
        )
    x, _ = provenance.inputs_of(run, net, data, use.wanted, use.way)
    lines = _predictions(net, x)
    if out:
        files.write(out, lines, "predictions", "give another --out")
    else:
        for text in lines:
            print(text, end="", flush=True)
    return OK


def _predictions(net: Network, x: Any) -> Iterator[str]:
    """The lines of the csv file, those of some samples at a time."""
    digits = 17 if net.dtype == "float64" else 12 if net.target_scaling else 9  # those that tell numbers apart
    about, numbers = net.supposed, range(net.sizes.outputs)
    classes = about.task == CLASSIFICATION
    head = [*(["label"] if classes else []), *(f"output_{about.class_name(i) if classes else i}" for i in numbers)]
    step = len(x) if net.graph is not None else max(1, min(AT_ONCE, PIECE // (x.shape[1] * x.dtype.itemsize)))
    for start in range(0, len(x), step):
        outputs = net.predict(x[start : start + step])
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerows([] if start else [head])
        for row in outputs if net.single else outputs.mean(axis=0):
            label = [about.class_name(int(row.argmax()))] if classes else []
            writer.writerow([*label, *(f"{v:.{digits}g}" for v in row)])
        yield text.getvalue()


def inspect(run: Path, /) -> int:
    """What a run's folder or a checkpoint holds: settings, progress and arrays, its checksum verified.

    Args:
        run: a run's folder or a checkpoint
    """
    display.contents(*networks.contents(run), console(), str(run))
    return OK
