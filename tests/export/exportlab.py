"""What tests of exported nets are made of: nets with random weights, and what the formats make of raw samples."""

import numpy as np
import pytest

import gpufa
from gpufa.export.forms import time
from gpufa.layers.protocol.sequences import numbered

UNKNOWN = [*(kind.word for kind in time.REFUSED), "recurrent"]  # no format has them, or not all of their options
OF_TIME = [kind.word for kind in time.ROWS]  # which no module of PyTorch is read as


def random_net(words, seed=0, **kw):
    """A float32 net whose weights, gains, shifts and running moments are all random."""
    net = gpufa.Network(words, **{"rule": "bp", "backend": "numpy", **kw})
    draw = np.random.default_rng(seed)
    for p in net.parameters.values():
        p[...] += draw.normal(0, 0.3, p.shape)
    for p in net.measured.values():
        p[...] = 0.2 + abs(draw.normal(0, 0.3, p.shape))
    return net


def raw(net, m=5, seed=0):
    draw, tokens = np.random.default_rng(seed), numbered(net.sizes.shapes[0])
    if tokens:
        return draw.integers(0, tokens.of, (m, *tokens)).astype("float32")
    return draw.normal(size=(m, net.sizes.inputs)).astype("float32")


def ours(net, x, seed=None):
    """What predict gives for one network: the mean over seeds, or one of them."""
    y = net.predict(x)
    if net.single:
        return y
    return y.mean(axis=0) if seed is None else y[list(net.seeds).index(seed)]


def by_onnx(net, x, **kw):
    """What onnxruntime makes of x by the exported model, which is checked."""
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    model = gpufa.to_onnx(net, **kw)
    onnx.checker.check_model(model, full_check=True)
    return runtime.InferenceSession(model.SerializeToString()).run(None, {"input": x})[0]


def by_torch(net, x, **kw):
    """What the PyTorch module makes of x."""
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        return gpufa.to_torch(net, **kw)(torch.from_numpy(x)).numpy()


RUNS = [pytest.param(by_onnx, id="onnx"), pytest.param(by_torch, id="torch")]
every_format = pytest.mark.parametrize("run", RUNS)


def agree(net, x, run, seed=None, tolerance=1e-6):
    """The format gives what predict gives: the same shape and type, equal to 1e-6."""
    found, expected = run(net, x, seed=seed), ours(net, x, seed)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
