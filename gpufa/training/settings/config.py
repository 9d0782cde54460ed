"""Config: one frozen dataclass that is the TOML file, the command line's flags and the metadata of a checkpoint."""

import dataclasses
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ...basics.arguments import several, shown
from ...basics.errors import InvalidValue
from ...data.samples.about import Wanted, names_in
from ...data.samples.whitening import EPS
from ...data.streams.room import Way
from ...functions.activations import Activation
from ...functions.augmentations import augmentations
from ...functions.initialisers import Initialiser
from ...functions.losses import Loss
from ...functions.optimizers import Optimizer
from ...functions.optimizers import optimizer as find_optimizer
from ...functions.parts import Part, parts_of, read_in, taken_out
from ...functions.schedules import Schedule
from ...layers.own import check_worded
from ...layers.protocol.layer import Layer
from ...layers.words import block, inputs
from ...net.learning.rule import Rule
from .groups import DataSettings, LengthSettings, NetSettings, PlaceSettings, RecordSettings, UpdateSettings
from .limits import CHECKS, passes, plain, plain_number

PARTS: dict[str, type[Part]] = {
    "activation": Activation,
    "loss": Loss,
    "init": Initialiser,
    "optimizer": Optimizer,
    "schedule": Schedule,
}  # settings that a row of one's own may be given for
PARTS_SUCH = '["path/to/file.py:NAME"]'
LAYERS_SUCH = '["dense 64 tanh", "residual(dense 64 tanh)"]'


@dataclass(frozen=True)
class Config(RecordSettings, PlaceSettings, LengthSettings, UpdateSettings, NetSettings, DataSettings):
    """Everything that decides a run; a field left None takes the rule's default. Raises InvalidValue for bad values.

    The fields, those of DataSettings first, are explained in `groups.py` beside it and by `gpufa train --help`.
    """

    def __post_init__(self) -> None:
        if self.out == "":
            raise InvalidValue("out = '' names no folder; give --out a name, or leave it out")
        for name in ("activation", "init", "hidden", "seeds", "freeze", "layer_lr", "schedule_at"):
            value = getattr(self, name)
            if isinstance(value, str | int | float | Part):
                object.__setattr__(self, name, (value,))
            elif isinstance(value, Iterable):
                with suppress(TypeError):  # an array without dimensions
                    object.__setattr__(self, name, tuple(value))
        parts = [self.parts] if isinstance(self.parts, str | Part) else [*several(self.parts, "parts", PARTS_SUCH)]
        for name in PARTS:
            value, rows = taken_out(getattr(self, name))
            object.__setattr__(self, name, value)
            parts += rows
        object.__setattr__(self, "parts", parts_of(parts))
        for name in ("target", "features", "drop"):
            object.__setattr__(self, name, names_in(getattr(self, name), name))
        if isinstance(self.class_weights, Mapping):
            by_name = {str(name): plain_number(weight) for name, weight in self.class_weights.items()}
            object.__setattr__(self, "class_weights", by_name)
        if self.augment is not None:
            object.__setattr__(self, "augment", tuple(map(str, augmentations(self.augment))))
        if self.layers is not None:
            self._read_layers()
        for name, good, expected in CHECKS:
            value = getattr(self, name)
            open_to_default = value is None and getattr(Config, name, value) is None
            if not open_to_default and not passes(good, value):
                raise InvalidValue(
                    f"{name} = {shown(value)} can't be used; expected {expected}: change --{name.replace('_', '-')}"
                )

    def _read_layers(self) -> None:
        """Layers as words, whatever they were given as. Raises InvalidValue where other settings speak of them too."""
        given = (self.layers,) if isinstance(self.layers, str | Layer) else several(self.layers, "layers", LAYERS_SUCH)
        made = [one if inputs(one) else block(one, self.parts) for one in given]
        check_worded(one for one in made if isinstance(one, Layer))
        words = tuple(map(str, made))
        object.__setattr__(self, "layers", words)
        for name, unset in (("hidden", None), ("activation", None), ("residual", False), ("dropout", 0.0)):
            if (value := getattr(self, name)) != unset:
                raise InvalidValue(
                    f"{name} = {shown(value)} and layers = {shown(words)} both say what the net is; leave"
                    f" --{name} or --layers out"
                )

    @property
    def wanted(self) -> Wanted:
        """What it says of the data."""
        of_columns = self.target, self.task, self.features, self.drop, self.sample_weights, self.missing
        return Wanted(*of_columns, tokens=self.tokens, length=self.length, encoding=self.encoding)

    @property
    def way(self) -> Way:
        """How it has data read."""
        return Way(self.stream)

    def with_files(self) -> "Config":
        """This config with the rows of the files that it names, whose code runs here. Raises FileProblem and
        InvalidValue as functions.parts.loaded."""
        return dataclasses.replace(self, **{name: read_in(getattr(self, name), kind) for name, kind in PARTS.items()})

    def defaults_of(self, rule: Rule) -> Mapping[str, Any]:
        """The rule's, which may have others for nets with a block of several layers."""
        blocks = (block(words, self.parts) for words in self.layers or () if not inputs(words))
        return {**rule.defaults, **rule.layered} if any(not one.one_dense for one in blocks) else rule.defaults

    def resolved(self, rule: Rule) -> "Config":
        """This config with every None that has a default filled in: the rule's, then the optimizer's.

        A learning rate left open is the rule's own for its own optimizer, and the optimizer's for another.
        """
        defaults = self.defaults_of(rule)
        optimizer = find_optimizer(self.optimizer or defaults["optimizer"], self.parts)
        lr = defaults["lr"] if optimizer.name == defaults["optimizer"] else optimizer.lr
        filled = {
            "activation": (defaults["activation"],),
            "loss": defaults["loss"],
            "init": (defaults["init"],),
            "optimizer": optimizer.name,
            "lr": lr,
            "decay": optimizer.decay,
            "keep": "best" if self.patience else None,
            "zca_eps": EPS if self.scaling == "zca" else None,
            **{name: defaults[name] for name in ("hidden", "weight_decay", "batch_size", "epochs")},
            **{name: getattr(optimizer, name) for name in ("momentum", "beta2", "eps")},
        }
        if self.layers is not None:
            del filled["hidden"], filled["activation"]
        return dataclasses.replace(self, **{k: v for k, v in filled.items() if getattr(self, k) is None})

    def recorded(self, rule: Rule) -> "Config":
        """This config with every option of its rule, so that a run keeps those that it had when a default changes.

        For files alone: in a program's own config they would go with it to another rule.
        """
        options = {name: value for name, value in rule.options.items() if plain(value)} | self.rule_options
        return dataclasses.replace(self, rule_options=options)
