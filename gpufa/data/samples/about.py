"""What is taken of data: what was asked for, and what was found, which goes into the checkpoint."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple

from ...basics.arguments import shown
from ...basics.errors import InvalidValue

CLASSIFICATION, REGRESSION = TASKS = "classification", "regression"
AT_PLACES = "places"  # either of them at each place of a sample, a token or a time step, by what the targets are
ASKED_FOR = *TASKS, AT_PLACES
MOST = 10  # names that a sentence shows
LOSSY = "the images are from {} files, lossy, so that errors can't be compared with published ones"
# What a checkpoint may say of its data; lists are of names and numbers.
TYPES: dict[str, tuple[type, ...]] = {
    **{"task": (str,), "target": (list,), "classes": (list,), "features": (list,), "columns": (list, int)},
    **{"weights": (str, int), "array": (str,), "missing": (str,), "dropped": (int,), "lossy": (str,)},
    **{"places": (int,), "tokens": (str,), "vocabulary": (list, int), "turned": (bool,)},
}

Names = tuple[str, ...]


class Wanted(NamedTuple):
    """What the settings say of the data; None where they say nothing. `strict` refuses columns that may be leaks. The
    last three are of text."""

    target: Names | None = None
    task: str | None = None
    features: Names | None = None
    drop: Names | None = None
    sample_weights: str | None = None
    missing: str | None = None
    strict: bool = True
    tokens: Any = None
    length: int | None = None
    encoding: str | None = None


def names_in(value: Any, what: str) -> Names | None:
    """Columns as a setting names them, a name or number or several, as strings. Raises InvalidValue for others."""
    if value is None:
        return None
    several = [value] if isinstance(value, str | int) else list(value) if isinstance(value, Iterable) else []
    if not several or not all(isinstance(one, str | Integral) and not isinstance(one, bool) for one in several):
        raise InvalidValue(
            f"{what} = {shown(value)} can't be used; expected names or numbers of columns: change --{what}"
        )
    return tuple(map(str, several))


@dataclass(frozen=True)
class About:
    """What a run's data are: the task; the target's columns, none for an array y; the names of the classes, None where
    they are 0, 1, ...; the columns that are features, None for all of x; and all columns, or their number where they
    have no names. A column without a name is its number, counted from 0. `weights` is the column or array of the
    samples' weights; `array` the name by which --features called x, where it did; `missing` says how missing values are
    filled in, and `dropped` how many samples were left out for theirs; `lossy` what images were packed by, where that
    loses something of them; `places` at how many places a sample has a target each, None where it has one. Of text
    `tokens` says what its tokens are, and `vocabulary` which there are, or how many where a tokenizer of one's own
    knows them. Samples that were found time x channels are `turned`."""

    task: str
    target: tuple[str | int, ...] = ()
    classes: Names | None = None
    features: tuple[str | int, ...] | None = None
    columns: Names | int | None = None
    weights: str | int | None = None
    array: str | None = None
    missing: str | None = None
    dropped: int | None = None
    lossy: str | None = None
    places: int | None = None
    tokens: str | None = None
    vocabulary: Names | int | None = None
    turned: bool | None = None

    @property
    def plain(self) -> bool:
        """Whether it says nothing but the task, which the shape of y says as well."""
        return self == About(self.task)

    @property
    def array_of_target(self) -> str | None:
        """The name by which --target called y, where it did."""
        first = self.target[0] if self.target else None
        return first if isinstance(first, str) and not isinstance(self.columns, tuple) else None

    @property
    def array_of_weights(self) -> str | None:
        """The name of the samples' weights, where they are no column."""
        of_table = isinstance(self.columns, tuple) and self.weights in self.columns
        return self.weights if isinstance(self.weights, str) and not of_table else None

    @property
    def where(self) -> str:
        """The target in words."""
        if not self.target:
            return "y"
        if self.array_of_target:
            return f'array "{self.array_of_target}"'
        return f"column{'s' * (len(self.target) > 1)} {', '.join(map(column, self.target))}"

    def class_name(self, label: int) -> str:
        """Of several columns that are 0 or 1 the class has the column's name."""
        if self.classes is not None:
            return self.classes[label]
        return str(self.target[label]) if len(self.target) > 1 else str(label)

    def sentence(self, outputs: int, features: int, train: int, test: int) -> str:
        """All of it in a line; outputs are those at all places."""
        outputs //= self.places or 1
        what = REGRESSION if outputs == 1 else f"regression on {outputs} outputs"
        if self.task == CLASSIFICATION:
            names = self.classes or tuple(map(str, range(outputs)))
            what = f"{outputs} classes: {shortened(names)}"
        if self.places:
            what += f", at each of {self.places} places"
        if self.tokens:
            what = f"the next of {outputs} tokens, at each of {self.places}"
            return f"text by {self.tokens}: target: {what}; {train} + {test} windows"
        gaps = f"; missing values filled in by the {self.missing}" if self.missing else ""
        if self.dropped is not None:
            gaps = f"; {self.dropped} left out for missing values"
        packed = f"; {said}" if (said := lossy(self)) else ""
        taken = f"target: {self.where} ({what}); {features} features; {train} + {test} samples"
        turned = "; samples are time x channels, and are turned to channels x time" if self.turned else ""
        return f"{taken}{gaps}{self._weighed}{packed}{turned}"

    @property
    def _weighed(self) -> str:
        """By what samples are weighed, in words."""
        if self.weights is None:
            return ""
        array = self.array_of_weights
        return f"; sample weights: {f'array {array!r}' if array else f'column {column(self.weights)}'}"

    def to_mapping(self) -> dict[str, Any]:
        """As JSON has it, without what is None."""
        found = {name: list(v) if isinstance(v, tuple) else v for name, v in vars(self).items()}
        return {name: value for name, value in found.items() if value is not None}


def of_metadata(metadata: Mapping[str, Any]) -> About | None:
    """What a checkpoint says of its data; where it says nothing, the task from the shape of y; None without data."""
    if isinstance(stored := metadata.get("about"), Mapping):
        found: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in stored.items()}
        return About(**found)
    data = metadata.get("data")
    if not isinstance(data, Mapping) or "y_train" not in data:
        return None
    return About(CLASSIFICATION if len(data["y_train"][0]) == 1 else REGRESSION)


def damage(stored: Any) -> str:
    """What is wrong with what a checkpoint says of its data, "" for nothing."""
    if not isinstance(stored, dict) or not stored.keys() <= TYPES.keys() or stored.get("task") not in TASKS:
        return "what it says of its data has no task"
    for name, value in stored.items():
        entries = value if isinstance(value, list) else []
        if type(value) not in TYPES[name] or not all(type(one) in (str, int) for one in entries):
            return f"what it says of its data has {name} = {value!r}"
    return ""


def lossy(about: About | None) -> str:
    """What images have lost, in words; "" for nothing."""
    return LOSSY.format(about.lossy) if about and about.lossy else ""


def column(name: str | int) -> str:
    """A column in words, which stand behind "column"."""
    return f'"{name}"' if isinstance(name, str) else f"{name} (counted from 0)"


def shortened(names: Sequence[str], each: int = 40) -> str:
    """The names, of many the first and the last, with at most so many letters of each."""
    shown = list(names) if len(names) <= MOST else [*names[:3], "...", names[-1]]
    return ", ".join(name if len(name) <= each else f"{name[: each - 3]}..." for name in shown)
