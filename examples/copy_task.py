"""A recurrent net learns to copy over more steps than it is trained through, by synthetic gradients.

Three symbols are to be said again 13 steps after they were read. Full backpropagation through time sees the whole
sequence of 16 steps; truncated BPTT windows of 4, with zero or a learned gradient at their ends.

python examples/copy_task.py copy_task.png [steps]
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import gpufa
from gpufa.data.tasks.copying import CopyTask

BATCH, EVERY, UNITS, SEEDS = 32, 50, 64, (0, 1, 2)  # EVERY: steps from point to point
TASK = CopyTask(length=3, delay=10, alphabet=4, train_samples=BATCH * EVERY)
RULES = {
    "full BPTT": ("bp", {}),
    "truncated": ("bp", {"window": 4}),
    "truncated + synthetic": ("dni_windows", {"window": 4, "rate": 50.0}),
}


def curve(rule, options, points):
    """The error of sequences not trained on in percent, (points, seeds)."""
    config = gpufa.Config(
        rule=rule,
        rule_options=options,
        layers=(f"input {TASK.alphabet + 1}x{TASK.steps}", f"recurrent {UNITS} all"),
        init=("uniform", "orthogonal", "uniform"),
        optimizer="adam",
        lr=3e-4,
        clip=1.0,
        batch_size=BATCH,
        epochs=points,
        task="places",
        seeds=SEEDS,
        out=None,
    )
    return gpufa.train(config, TASK.data()).history.epochs["test_error"]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    path, points = sys.argv[1], max(1, int(sys.argv[2]) // EVERY if len(sys.argv) > 2 else 40)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes, steps = figure.subplots(), EVERY * (1 + np.arange(points))
    print(f"wrong symbols in %, {len(SEEDS)} seeds\n{'steps':>21}", end="")
    shown = np.unique(np.linspace(0, points - 1, 6).astype(int))
    print("".join(f"{steps[i]:>14}" for i in shown))
    for name, (rule, options) in RULES.items():
        error = np.asarray(curve(rule, options, points))
        mean, deviation = error.mean(axis=1), error.std(axis=1)
        print(f"{name:>21}" + "".join(f"{mean[i]:>8.1f} ±{deviation[i]:>4.1f}" for i in shown), flush=True)
        axes.plot(steps, mean, label=name)
        axes.fill_between(steps, np.maximum(mean - deviation, 0), mean + deviation, alpha=0.2, linewidth=0)
    axes.set(xlabel="steps", ylabel="wrong symbols, %", ylim=(0, None), title=f"copying over 13 steps, {UNITS} units")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
