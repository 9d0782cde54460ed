"""A user's program as type checkers see it; test_package.py has them read it beside the installed package."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import gpufa


@dataclass(frozen=True)
class SignSymmetry(gpufa.Rule):
    scale: float = 1.0

    def deltas(self, net: Any, e: Any) -> None:
        for k in reversed(net.hidden):
            net.inject(k, net.xp.sign(net.W[k + 1].swapaxes(-1, -2)) * self.scale, net.delta[k + 1])


def trained(x: NDArray[np.float32], y: NDArray[np.int64], out: Path) -> gpufa.Run:
    config = gpufa.Config(rule="dfa", hidden=(32, 32), epochs=3, seeds=(0, 1), optimizer="adam", out=str(out))
    return gpufa.train(config, data=(x, y), rule=SignSymmetry(scale=0.5))


def used(out: Path, x: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    run = trained(x, y, out)
    assert_type(run.network, gpufa.Network)
    net = gpufa.load(out / "checkpoint.h5")
    assert_type(net, gpufa.Network)
    made = gpufa.Network(["input 64", "dense 32 tanh, dropout 0.5", "dense 10"], rule="fa", seeds=[0, 1])
    gpufa.save(made, out / "made.h5")
    outputs: NDArray[Any] = net.predict(x)
    angles = net.alignment(x, y)
    print(outputs.mean(axis=0).argmax(axis=1), angles, net.sizes)
    data = gpufa.load_data("digits")
    assert_type(data, gpufa.Data)
    assert_type(gpufa.resume(out, epochs=5), gpufa.Run)
    compared = gpufa.compare(gpufa.Config(epochs=2), rules=("bp", "dfa"))
    assert_type(compared, gpufa.Comparison)
    return float(run.summary["test_error"][0])


if __name__ == "__main__":
    try:
        gpufa.load("nowhere.h5")
    except gpufa.GpufaError as error:
        print(error)
