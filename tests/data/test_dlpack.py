"""Arrays of other libraries, by DLPack: read where they lie, and the net's own handed out."""

import numpy as np
import pytest

import gpufa
from gpufa.data.samples.data import inputs

LIBRARIES = "torch", "jax"
every_library = pytest.mark.parametrize("name", LIBRARIES)
X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
Y = np.arange(6) % 3


class Lent:
    """An array of a library that has nothing but DLPack."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Stubborn(Lent):
    def __dlpack__(self, **options):
        raise BufferError("it is lent to somebody else")


def net_on(backend="numpy", **kw):
    return gpufa.Network([4, 5, 3], init="uniform", backend=backend, **kw)


def theirs(name, array):
    """The array as one of that library, on the host."""
    if name == "torch":
        return pytest.importorskip("torch").from_numpy(array.copy())
    return pytest.importorskip("jax").numpy.asarray(array)


def address(array):
    """Where the first element is."""
    if isinstance(array, np.ndarray):
        return array.ctypes.data
    return array.data_ptr() if hasattr(array, "data_ptr") else array.unsafe_buffer_pointer()


@every_library
def test_their_arrays_are_predicted_judged_and_trained_on_as_ours(name):
    net, x, y = net_on(), theirs(name, X), theirs(name, Y)
    np.testing.assert_array_equal(net.predict(x), net.predict(X))
    np.testing.assert_array_equal(net.evaluate(x, y)["loss"], net.evaluate(X, Y)["loss"])
    config = gpufa.Config(hidden=(5,), epochs=2, seeds=(0,), backend="numpy")
    ours = gpufa.train(config, data=(X, Y, X, Y)).network
    found = gpufa.train(config, data=(x, y, x, y)).network
    np.testing.assert_array_equal(found.parameters["W1"], ours.parameters["W1"])


@every_library
def test_their_memory_is_read_where_it_lies(name):
    array = theirs(name, X)
    assert address(inputs(array)) == address(array)


@pytest.mark.parametrize("r", [None, 0, 1])
@pytest.mark.parametrize("weights", ["W1", "W2"])
@every_library
def test_weights_are_handed_out_without_a_copy(name, weights, r):
    """Of several seeds those of one: JAX takes no arrays with gaps."""
    library = pytest.importorskip(name)
    W = (net_on() if r is None else net_on(seeds=[0, 1])).parameters[weights]
    W = W if r is None else W[r]
    lent = library.from_dlpack(W) if name == "torch" else library.dlpack.from_dlpack(W)
    assert address(lent) == address(W)
    if name == "torch":
        lent.zero_()
        assert not W.any()


def test_numpy_has_them_by_dlpack_too():
    W = net_on().parameters["W1"]
    assert np.shares_memory(np.from_dlpack(W), W)


def test_an_array_that_has_nothing_but_dlpack_is_enough():
    net = net_on()
    assert address(inputs(Lent(X))) == address(X)
    np.testing.assert_array_equal(net.predict(Lent(X)), net.predict(X))
    np.testing.assert_array_equal(net.gradients(Lent(X), Lent(Y))["W1"], net.gradients(X, Y)["W1"])


def test_what_is_not_handed_out_is_refused_in_a_sentence():
    with pytest.raises(gpufa.InvalidValue, match="the inputs is of dtype object; give real numbers"):
        net_on().predict(Stubborn(X))
    torch = pytest.importorskip("torch")
    with pytest.raises(gpufa.InvalidValue, match=r"requires grad.*detach"):
        net_on().predict(torch.from_numpy(X.copy()).requires_grad_())


@pytest.mark.gpu
def test_arrays_on_the_gpu_are_read_there_and_handed_out():
    import cupy

    net, host = net_on("cupy"), net_on()
    x, y = cupy.asarray(X), cupy.asarray(Y)
    W = net.parameters["W1"]
    assert cupy.from_dlpack(W).data.ptr == W.data.ptr
    assert net.backend.shared(Lent(x)).data.ptr == x.data.ptr
    assert net.backend.shared(X) is X
    for given, labels in ((x, y), (Lent(x), Lent(y)), (Lent(X), Lent(Y))):
        np.testing.assert_array_equal(net.predict(given), net.predict(X))
        np.testing.assert_array_equal(net.evaluate(given, labels)["loss"], net.evaluate(X, Y)["loss"])
        np.testing.assert_array_equal(host.predict(given), host.predict(X))


@pytest.mark.gpu
def test_arrays_on_the_gpu_are_trained_on_by_way_of_the_host():
    import cupy

    config = gpufa.Config(hidden=(5,), epochs=2, seeds=(0,), backend="cupy")
    found = [gpufa.train(config, data=data).network for data in ((X, Y), (cupy.asarray(X), cupy.asarray(Y)))]
    np.testing.assert_array_equal(*(net.predict(X) for net in found))
