"""A recurrent net trained through windows of time, with synthetic gradients at their ends.

Truncated backpropagation through time is blind to what lies behind the end of its window. A model M of the gradient
that the future would send to the window's last state, learned from the windows that follow, takes its place (Jaderberg
et al. 2017, "Decoupled neural interfaces using synthetic gradients", arXiv:1608.05343).

    task = CopyTask(length=3, delay=10)
    net = RecurrentNet((task.inputs, 64, task.outputs), synthetic=(), seeds=(0, 1, 2))
    print(RecurrentTrainer(net, task, window=4).train(1000)["error"])
"""

from .copying import CopyTask
from .net import RecurrentNet
from .synthetic import SyntheticGradient
from .trainer import RecurrentTrainer
from .unrolled import Unrolled

__all__ = ["CopyTask", "RecurrentNet", "RecurrentTrainer", "SyntheticGradient", "Unrolled"]
