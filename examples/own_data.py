"""Train on arrays of one's own, keep the run in a folder, and predict with what was trained."""

import sys

import numpy as np

import gpufa

rng = np.random.default_rng(0)
x = rng.normal(size=(2000, 4))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.2).astype(int)  # inside or outside a circle: no linear classifier tells

out = sys.argv[1] if len(sys.argv) > 1 else "runs/own-data"
# DFA's default, zero weights, is blind to functions that don't change when the sign of x does: start from random ones.
config = gpufa.Config(rule="dfa", init="uniform", hidden=(64, 64), epochs=60, scaling="standard", out=out)
run = gpufa.train(config, data=(x[:1600], y[:1600], x[1600:], y[1600:]), force=True)
print("test error of each seed, %:", run.summary["test_error"])

net = gpufa.load(out)
probabilities = net.predict(x[1600:])  # (seeds, samples, classes)
print("error of the seeds' mean, %:", 100 * np.mean(probabilities.mean(axis=0).argmax(axis=1) != y[1600:]))
