"""A recurrent net learns to copy over more steps than it is trained through, by synthetic gradients.

Three symbols are to be said again 13 steps after they were read. Full backpropagation through time sees the whole
sequence of 16 steps; truncated BPTT windows of 4, with zero or a learned gradient at their ends.

python examples/copy_task.py copy_task.png [steps]
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from gpufa.recurrent import CopyTask, RecurrentNet, RecurrentTrainer

TASK, UNITS, SEEDS = CopyTask(length=3, delay=10, alphabet=4), 64, (0, 1, 2)
MODES = {  # window, M's hidden widths
    "full BPTT": (None, None),
    "truncated": (4, None),
    "truncated + synthetic": (4, ()),
}
EVERY = 50  # steps from point to point


def curve(window, synthetic, points):
    """The error in percent, (points, seeds)."""
    net = RecurrentNet((TASK.inputs, UNITS, TASK.outputs), synthetic=synthetic, seeds=SEEDS)
    trainer = RecurrentTrainer(net, TASK, window=window)
    return np.array([trainer.train(EVERY)["error"] for _ in range(points)])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    path, points = sys.argv[1], max(1, int(sys.argv[2]) // EVERY if len(sys.argv) > 2 else 40)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes, steps = figure.subplots(), EVERY * (1 + np.arange(points))
    print(f"wrong symbols in %, {len(SEEDS)} seeds, mean of the last {EVERY} steps\n{'steps':>21}", end="")
    shown = np.unique(np.linspace(0, points - 1, 6).astype(int))
    print("".join(f"{steps[i]:>14}" for i in shown))
    for name, (window, synthetic) in MODES.items():
        error = curve(window, synthetic, points)
        mean, deviation = error.mean(axis=1), error.std(axis=1)
        print(f"{name:>21}" + "".join(f"{mean[i]:>8.1f} ±{deviation[i]:>4.1f}" for i in shown), flush=True)
        axes.plot(steps, mean, label=name)
        axes.fill_between(steps, np.maximum(mean - deviation, 0), mean + deviation, alpha=0.2, linewidth=0)
    axes.set(xlabel="steps", ylabel="wrong symbols, %", ylim=(0, None), title=f"copying over 13 steps, {UNITS} units")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
