"""The flags of the commands that train: every setting, and what concerns the command alone."""

import dataclasses
from dataclasses import dataclass, field
from typing import Annotated, Any

from tyro.conf import Suppress, UseAppendAction

from ..training.config import Config
from ..training.toml import with_options


@dataclass(frozen=True)
class TrainFlags(Config):
    """Config and what concerns the command alone."""

    rule_options: Suppress[dict[str, Any]] = field(default_factory=dict)
    file_rule: Suppress[str] = Config.rule
    set: Annotated[tuple[str, ...], UseAppendAction] = ()
    """an option of the rule, rule.NAME=VALUE; may be given several times"""
    force: bool = False
    """write over the run that --out holds"""
    quiet: bool = False
    """print nothing but errors"""

    def __post_init__(self) -> None:
        """Nothing: `config` checks, outside the parser, so that an error is one sentence."""

    def config(self, rule: str) -> Config:
        """The settings with that rule; what the file says in [rule] is for the file's own rule."""
        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(Config)}
        options = self.rule_options if rule == self.file_rule else {}
        return with_options(Config(**settings | {"rule": rule, "rule_options": options}), self.set)


@dataclass(frozen=True)
class CompareFlags(TrainFlags):
    """As TrainFlags, with a list of rules."""

    rules: tuple[str, ...] = ("bp", "fa", "dfa", "ifa")
    """the rules to compare"""
    rule: Suppress[str] = "dfa"
