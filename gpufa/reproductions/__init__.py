"""Published experiments, each a TOML file of this folder: settings, what was published, and what counts as the same."""

from .experiment import Cell, Experiment, Published, find, names

__all__ = ["Cell", "Experiment", "Published", "find", "names"]
