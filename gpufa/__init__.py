"""gpufa: neural networks trained without backpropagation, on NVIDIA GPUs through CuPy and on any CPU through NumPy."""

__version__ = "0.1.0"

from .callbacks import Callback
from .config import Config
from .datasets import Data, load_data
from .errors import BackendUnavailable, FileProblem, GpufaError, GpufaWarning, InvalidValue
from .network import Network
from .rules import Extra, Feedback, FeedbackRule, Rule
from .runs import Run, resume, train
from .storage import load, save

__all__ = [
    "BackendUnavailable",
    "Callback",
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
    "Rule",
    "Run",
    "load",
    "load_data",
    "resume",
    "save",
    "train",
]
