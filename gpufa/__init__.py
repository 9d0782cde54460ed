"""gpufa: neural networks trained without backpropagation, on NVIDIA GPUs through CuPy and on any CPU through NumPy."""

from .basics.errors import BackendUnavailable, FileProblem, GpufaError, GpufaWarning, InvalidValue, RankLost
from .basics.version import __version__
from .checkpoints.networks import load, save
from .data.datasets import load_data
from .data.graphs.graph import Graph
from .data.samples.data import Data
from .export.fromtorch import from_torch
from .export.onnxmodel import to_onnx
from .export.torchmodule import to_torch
from .functions.activations import Activation
from .functions.initialisers import Initialiser
from .functions.losses import Loss
from .functions.optimizers import Optimizer
from .functions.schedules import Schedule
from .network import Network
from .parallel.launch import Processes
from .report.compare import compare
from .report.comparison import Comparison
from .report.page import Report
from .rules import Extra, Feedback, FeedbackRule, Rule
from .runs.generation import generate
from .runs.memory import Memory, memory
from .runs.result import Run
from .runs.resuming import resume
from .runs.run import train
from .training.course.callbacks import Callback
from .training.settings.config import Config

__all__ = [
    "Activation",
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
    "Graph",
    "Initialiser",
    "InvalidValue",
    "Loss",
    "Memory",
    "Network",
    "Optimizer",
    "Processes",
    "RankLost",
    "Report",
    "Rule",
    "Run",
    "Schedule",
    "__version__",
    "compare",
    "from_torch",
    "generate",
    "load",
    "load_data",
    "memory",
    "resume",
    "save",
    "to_onnx",
    "to_torch",
    "train",
]
