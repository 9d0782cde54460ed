"""Layers, by objects or by words: `[Dense(64), Act("tanh"), Dropout(0.5)]` is "dense 64 tanh, dropout 0.5"."""

from .chain import Chain
from .graph import Neighbours
from .maps.conv import Conv1d, Conv2d
from .maps.local import Local2d
from .maps.pool import Flatten, GlobalMean, MaxPool, Mean, MeanPool
from .protocol.layer import Layer
from .residual import Residual, Shortcut
from .time.encode import Delta, Latency, Poisson
from .time.lowpass import Lowpass
from .time.recurrent import GRU, LSTM, Recurrent
from .time.spiking import ALIF, LIF
from .time.turn import Turn
from .tokens.attention import Attention
from .tokens.embed import AsTokens, Embed, Positions
from .units.act import Act
from .units.dense import Dense
from .units.dropout import Dropout
from .units.norm import BatchNorm, LayerNorm
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
