"""gpufa: neural networks trained without backpropagation, on NVIDIA GPUs through CuPy and on any CPU through NumPy."""

from .basics.errors import BackendUnavailable, FileProblem, GpufaError, GpufaWarning, InvalidValue
from .basics.version import __version__
from .checkpoints.networks import load, save
from .data.datasets import load_data
from .data.samples import Data
from .network import Network
from .report.compare import compare
from .report.comparison import Comparison
from .report.page import Report
from .rules import Extra, Feedback, FeedbackRule, Rule
from .runs.result import Run
from .runs.run import resume, train
from .training.callbacks import Callback
from .training.config import Config

__all__ = [
    "BackendUnavailable",
    "Callback",
    "Comparison",
    "Config",
    "Data",
    "Extra",
    "Feedback",
    "FeedbackRule",
    "FileProblem",
    "GpufaError",
    "GpufaWarning",
    "InvalidValue",
    "Network",
    "Report",
    "Rule",
    "Run",
    "__version__",
    "compare",
    "load",
    "load_data",
    "resume",
    "save",
    "train",
]
