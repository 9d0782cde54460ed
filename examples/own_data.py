"""Train on arrays of one's own, keep the run in a folder, and predict with what was trained."""

import sys

import numpy as np

import gpufa

rng = np.random.default_rng(0)
x = rng.normal(size=(2000, 20))
y = (np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] > 0).astype(int)  # two classes that no linear classifier tells apart

out = sys.argv[1] if len(sys.argv) > 1 else "runs/own-data"
config = gpufa.Config(rule="dfa", hidden=(64, 64), epochs=60, scaling="standard", out=out)
run = gpufa.train(config, data=(x[:1600], y[:1600], x[1600:], y[1600:]), force=True)
print("test error of each seed, %:", run.summary["test_error"])

net = gpufa.load(out)
probabilities = net.predict(net.scaled(x[1600:]))  # (seeds, samples, classes)
print("error of the seeds' mean, %:", 100 * np.mean(probabilities.mean(axis=0).argmax(axis=1) != y[1600:]))
