"""Layers, by objects or by words: `[Dense(64), Act("tanh"), Dropout(0.5)]` is "dense 64 tanh, dropout 0.5"."""

from .act import Act
from .attention import Attention
from .chain import Chain
from .conv import Conv1d, Conv2d
from .dense import Dense
from .dropout import Dropout
from .embed import AsTokens, Embed, Positions
from .encode import Delta, Latency, Poisson
from .graph import Neighbours
from .layer import Layer
from .local import Local2d
from .lowpass import Lowpass
from .norm import BatchNorm, LayerNorm
from .pool import Flatten, GlobalMean, MaxPool, Mean, MeanPool
from .recurrent import GRU, LSTM, Recurrent
from .residual import Residual, Shortcut
from .spiking import ALIF, LIF
from .turn import Turn
from .words import LAYERS, block

__all__ = [
    "ALIF",
    "GRU",
    "LAYERS",
    "LIF",
    "LSTM",
    "Act",
    "AsTokens",
    "Attention",
    "BatchNorm",
    "Chain",
    "Conv1d",
    "Conv2d",
    "Delta",
    "Dense",
    "Dropout",
    "Embed",
    "Flatten",
    "GlobalMean",
    "Latency",
    "Layer",
    "LayerNorm",
    "Local2d",
    "Lowpass",
    "MaxPool",
    "Mean",
    "MeanPool",
    "Neighbours",
    "Poisson",
    "Positions",
    "Recurrent",
    "Residual",
    "Shortcut",
    "Turn",
    "block",
]
