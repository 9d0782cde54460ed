"""Weights of samples and of classes: what they must be like, and what they come to for a set of training samples."""

import csv
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import home_path, is_number, readable, shown
from ...basics.errors import FileProblem, InvalidValue
from .about import shortened
from .data import real_numbers
from .splits import members

BALANCED = "balanced"


def checked(values: Any, samples: int, name: str, gaps: bool = False) -> NDArray[np.float64]:
    """A weight for each of so many samples, float64 (samples,), NaN among them where `gaps` may be. Raises InvalidValue
    that calls them `name`."""
    weights = real_numbers(values, name).astype(np.float64)
    weights = weights.reshape(-1) if weights.size == len(np.atleast_1d(weights)) else weights
    if weights.shape != (samples,):
        raise InvalidValue(f"{name} have the shape {weights.shape}; give one for each of {samples} samples")
    bad = ~(np.isfinite(weights) & (weights >= 0)) & ~(gaps & np.isnan(weights))
    if bad.any():
        row = int(bad.argmax())
        raise InvalidValue(
            f"{name} have {weights[row]:g} in row {row} (counted from 0); give finite numbers of at least 0"
        )
    if not weights.any():
        raise InvalidValue(f"{name} are all 0, and nothing would be learned; give some above 0")
    return weights


def relative(weights: NDArray) -> NDArray:
    """Weights as they count against each other: of mean 1 along the last axis. Raises InvalidValue where all are 0."""
    with np.errstate(over="ignore"):
        means = weights.mean(axis=-1, keepdims=True)
    check_means(means, weights)
    return np.asarray(weights / means)


def check_means(means: NDArray, weights: NDArray) -> None:
    """Raises InvalidValue for means of weights, of which these are some, that they can't be divided by."""
    if not np.isfinite(means).all():
        raise InvalidValue(
            f"the weights of the samples, up to {weights.max():.3g}, sum to more than floats hold; scale them"
        )
    if not means.all():
        raise InvalidValue(
            "the weights of the training samples are all 0, and nothing would be learned; give --class-weights or"
            " --sample-weights above 0"
        )


def as_typed(words: Sequence[str]) -> str | dict[str, float]:
    """The setting as the command line has it: one word, or a name and a weight for each class."""
    if len(words) == 1:
        return words[0]
    names, weights = words[::2], words[1::2]
    try:
        found = {name: float(weight) for name, weight in zip(names, weights, strict=True)}
    except ValueError:
        found = {}
    if not found or len(found) < len(names):
        raise InvalidValue(
            f"--class-weights {' '.join(words)} can't be used; give balanced, a file, or each class and its weight with"
            " spaces between them, as in --class-weights no 1 yes 4"
        )
    return found


def class_weights(setting: Any) -> Any:
    """The setting without files: "balanced", or weights by the names of the classes.

    A file is TOML, name = weight, or CSV, a line "name,weight" each. Raises FileProblem where it is none of these.
    """
    if isinstance(setting, Mapping) or setting in (None, BALANCED):
        return setting
    path = home_path(setting, "class_weights")
    with readable(path, "file of class weights"):
        if not path.is_file():
            raise FileProblem(
                f"there is no file {str(path)!r} of class weights; give --class-weights balanced, a file, or each"
                " class and its weight, as in --class-weights no 1 yes 4"
            )
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    table = _of_toml(text, path) if path.suffix == ".toml" else _of_csv(text, path)
    if not table:
        raise FileProblem(f"{path} has no class weights; give a line for each class")
    for name, weight in table.items():
        if not (is_number(weight) and weight >= 0):
            raise FileProblem(f"{path}: class {name!r} has the weight {shown(weight)}; give a number of at least 0")
    return table


def of_classes(setting: Any, labels: NDArray, names: Sequence[str]) -> NDArray[np.float64]:
    """The weights of classes, (R, classes), of which samples have the labels (R, N), names[c] being class c.

    "balanced" makes all classes of a replica count alike. Raises InvalidValue where a name is none of the classes', or
    a class has no weight.
    """
    if setting == BALANCED:
        return np.stack([1 / np.maximum(members(row, len(names)), 1) for row in labels])
    if unknown := [name for name in setting if name not in names]:
        raise InvalidValue(
            f"there is no class {unknown[0]!r} to weigh; the classes are {', '.join(names)}: change --class-weights"
        )
    if missing := [name for name in names if name not in setting]:
        raise InvalidValue(f"class {missing[0]!r} has no weight; give --class-weights one for every class")
    return np.tile(np.array([setting[name] for name in names], np.float64), (len(labels), 1))


def weights_in_words(setting: Any) -> str:
    """The setting, without files, in a line."""
    if setting == BALANCED:
        return BALANCED
    return shortened([f"{name} {weight:g}" for name, weight in setting.items()])


def _of_toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileProblem(f"{path} is no valid TOML: {error}") from None


def _of_csv(text: str, path: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, row in enumerate(csv.reader(text.splitlines()), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        try:
            name, weight = cells[0], float(cells[1])
        except (ValueError, IndexError):
            if number == 1 and len(cells) == 2:
                continue  # the names of the columns
            raise FileProblem(
                f"{path}, line {number}: {','.join(row)!r} is no class and its weight; give name,weight"
            ) from None
        if len(cells) != 2 or name in found:
            what = "is there twice" if name in found else "has more than a weight"
            raise FileProblem(f"{path}, line {number}: class {name!r} {what}; give each class one line, name,weight")
        found[name] = weight
    return found
