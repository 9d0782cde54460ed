"""Nets, GPUs, threads and the caller's own streams in any order: whoever issues work, it is done where it belongs, in
order."""

import threading

import numpy as np
import pytest
from rulelab import values
from threadlab import in_thread, near, started, steps
from traininglab import DATA, config

import gpufa
from gpufa.backends.gpu.cupydevice import open_device

pytestmark = pytest.mark.gpu
RULES = "bp", "dfa", "ifa"


@pytest.fixture
def cupy():
    import cupy

    return cupy


@pytest.fixture
def two_gpus(cupy):
    if cupy.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("one GPU")


@pytest.mark.parametrize("rule", RULES)
def test_a_net_of_one_thread_is_trained_in_others(rule):
    trainer = started(rule, backend="cupy")
    for n in (1, 1, 2):  # as it is, recorded, replayed
        in_thread(lambda n=n: steps(trainer, n))
    near(steps(trainer, 1), rule, 5)


def test_threads_train_side_by_side():
    trainers = {rule: started(rule, backend="cupy") for rule in RULES}
    threads = [threading.Thread(target=steps, args=(trainer, 5)) for trainer in trainers.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for rule, trainer in trainers.items():
        near(trainer, rule, 5)


def test_a_thread_works_on_a_net_while_another_step_is_recorded(cupy, monkeypatch):
    """What the other thread does, CuPy's own arithmetic too, is no part of what is recorded."""
    one, other = started("dfa", backend="cupy"), started("bp", backend="cupy")
    steps(one, 1)
    x = cupy.zeros(3)
    real = type(one.backend).parallel

    def meanwhile(self, *arguments):
        monkeypatch.undo()

        def work():
            with other.backend.working():
                x[...] += 1
            steps(other, 1)

        in_thread(work)
        real(self, *arguments)

    monkeypatch.setattr(type(one.backend), "parallel", meanwhile)
    steps(one, 1)  # recorded, and run
    near(steps(one, 2), "dfa", 4)
    near(steps(other, 2), "bp", 3)
    assert x.get().tolist() == [1, 1, 1]


@pytest.mark.usefixtures("two_gpus")
def test_two_gpus_take_turns(cupy):
    trainers = [started(rule, backend="cupy", device=i) for i, rule in enumerate(("dfa", "bp"))]
    for n in (1, 1, 2):
        for trainer in trainers:
            steps(trainer, n)
    for trainer, rule in zip(trainers, ("dfa", "bp"), strict=True):
        near(trainer, rule, 4)
        assert trainer.net.arena.flat.device.id == trainers.index(trainer)
    assert cupy.cuda.runtime.getDevice() == 0


@pytest.mark.usefixtures("two_gpus")
def test_the_second_gpu_gives_the_firsts_bits(tmp_path):
    settings = {"backend": "cupy", "out": str(tmp_path)}
    runs = [gpufa.train(config(device=1, **settings), DATA), gpufa.train(config(backend="cupy", device=0), DATA)]
    assert "GPU 1" in runs[0].summary["environment"]["device"]
    for name, p in values(runs[1].network).items():
        np.testing.assert_array_equal(p, values(runs[0].network)[name])
    x, y = DATA.x_test, DATA.y_test
    nets = [gpufa.load(tmp_path, backend="cupy", device=i) for i in (1, 0)]
    for look in (gpufa.Network.predict, gpufa.Network.gradients, gpufa.Network.signals, gpufa.Network.alignment):
        found = [look(net, x) if look is gpufa.Network.predict else look(net, x, y) for net in nets]
        np.testing.assert_equal(*found)
    assert gpufa.resume(tmp_path, epochs=6, data=DATA).network.arena.flat.device.id == 1


@pytest.mark.usefixtures("two_gpus")
def test_samples_on_another_gpu_are_brought_over(cupy):
    net, plain = (gpufa.Network([6, 5, 3], backend=b, init="uniform", dtype="float64") for b in ("cupy", "numpy"))
    with cupy.cuda.Device(1), cupy.cuda.Stream(non_blocking=True):
        x, y = cupy.asarray(DATA.x_test) * 2, cupy.asarray(DATA.y_test)
        assert net.backend.to_device(x).device.id == 0
        assert x.device.id == 1
        ours = net.evaluate(x, y)
    np.testing.assert_allclose(ours["loss"], plain.evaluate(2 * DATA.x_test, DATA.y_test)["loss"], rtol=1e-12)


def test_the_callers_device_and_stream_stay_as_they_are(cupy):
    net, cuda = gpufa.Network([6, 5, 3], backend="cupy"), cupy.cuda
    entered, used = cuda.Stream(non_blocking=True), cuda.Stream(non_blocking=True)
    for enter in (False, True):
        if enter:
            entered.__enter__()
        used.use()
        net.predict(DATA.x_test)
        assert cuda.get_current_stream() == used
    entered.__exit__()
    assert cuda.get_current_stream() == cuda.Stream.null
    with pytest.raises(gpufa.InvalidValue):
        net.predict("nothing")
    assert cuda.get_current_stream() == cuda.Stream.null


@pytest.mark.parametrize("switch", ["device", "stream"])
def test_callbacks_may_make_another_device_or_stream_current(cupy, switch, request):
    if switch == "device":
        request.getfixturevalue("two_gpus")

    class Switch(gpufa.Callback):
        def on_step(self, run):
            if switch == "device":
                cupy.cuda.Device(1).use()
            else:
                cupy.cuda.Stream(non_blocking=True).use()

        on_epoch = on_start = on_step

    settings = {"dtype": "float64", "validation": 0.2, "probe_every": 3}
    found = gpufa.train(config(backend="cupy", **settings), DATA, callbacks=[Switch()])
    plain = gpufa.train(config(**settings), DATA)
    for name, p in values(plain.network).items():
        np.testing.assert_allclose(values(found.network)[name], p, rtol=1e-10, atol=1e-12)
    for column in ("loss", "validation_loss", "test_loss"):
        np.testing.assert_allclose(found.history.epochs[column], plain.history.epochs[column], rtol=1e-9)
    np.testing.assert_allclose(found.history.probes["per_sample"], plain.history.probes["per_sample"], rtol=1e-6)
    assert cupy.cuda.runtime.getDevice() == 0


@pytest.mark.parametrize("kind", ["default", "blocking", "non-blocking"])
def test_views_written_on_any_stream_are_read_in_order(cupy, kind):
    """The views are live; what is queued on the caller's stream before a call is done before it, and the other way."""
    stream = cupy.cuda.Stream.null if kind == "default" else cupy.cuda.Stream(non_blocking=kind == "non-blocking")
    net, plain = (gpufa.Network([6, 50, 3], backend=b, init="uniform", dtype="float64") for b in ("cupy", "numpy"))
    cupy.cuda.Stream.null.synchronize()  # where the net was made: non-blocking streams don't wait for it
    for factor in (0.5, 3.0, -1.0):
        with stream:
            net.parameters["W1"][...] *= factor
            found = net.predict(DATA.x_test)
            twice = (net.parameters["W1"] * 2).get()
        plain.parameters["W1"][...] *= factor
        np.testing.assert_allclose(found, plain.predict(DATA.x_test), rtol=1e-12)
        np.testing.assert_array_equal(twice, 2 * plain.parameters["W1"])


def test_a_view_that_is_not_contiguous_is_read_in_mid_training(cupy):
    """CuPy's own `with stream:` in ndarray.get() of such a view goes back to the stream that was entered last."""
    trainer = started("dfa", backend="cupy")
    for _ in range(4):
        steps(trainer, 1)
        trainer.net.parameters["W1"][:, ::2].get()
        with trainer.backend.working():
            cupy.asnumpy(trainer.net.parameters["W1"][:, ::2])
    near(trainer, "dfa", 4)


@pytest.mark.parametrize("rule", ["bp", "ifa", "topology", "brsf", "frsf", "weight_mirror"])
def test_what_is_made_on_first_use_is_there_for_all_branches(rule, standin_seed):
    """A constant that one branch uploads, others read in the same step; on a stand-in, in several orders of streams."""
    for seed in range(6):
        standin_seed(seed)
        trainer = started(rule, backend="cupy", dtype="float64", seeds=(0, seed + 1))
        ours = values(steps(trainer, 1).net)
        theirs = values(steps(started(rule, dtype="float64", seeds=(0, seed + 1)), 1).net)
        for name, p in theirs.items():
            np.testing.assert_allclose(ours[name], p, rtol=1e-10, atol=1e-12, err_msg=f"{name}, seed {seed}")


def test_ctrl_c_while_a_step_is_recorded_leaves_no_stream_capturing(monkeypatch):
    trainer = started("dfa", backend="cupy")
    steps(trainer, 1)

    def stop(self, *arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(trainer.backend), "parallel", stop)
        with pytest.raises(KeyboardInterrupt):
            trainer.step()
    near(trainer, "dfa", 1)
    near(steps(trainer, 3), "dfa", 4)


def test_ctrl_c_as_soon_as_recording_has_begun_leaves_no_stream_capturing(monkeypatch):
    trainer, lanes = steps(started("dfa", backend="cupy"), 1), open_device(0)._recording

    class Stopped:
        """The stream that is recorded, with Ctrl-C behind `begin_capture`."""

        def __init__(self):
            self.stream = lanes.main

        def __getattr__(self, name):
            return getattr(self.stream, name)

        def __enter__(self):
            return self.stream.__enter__()

        def __exit__(self, *error):
            return self.stream.__exit__(*error)

        def begin_capture(self):
            self.stream.begin_capture()
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lanes, "main", Stopped())
        with pytest.raises(KeyboardInterrupt):
            trainer.step()
    near(steps(trainer, 3), "dfa", 4)


def test_ctrl_c_as_cublas_is_told_where_its_factors_are_leaves_it_right(monkeypatch):
    cublas = open_device(0).cublas
    call = cublas._call

    def stop(name, *arguments):
        call(name, *arguments)
        if name == "cublasSetPointerMode_v2":
            raise KeyboardInterrupt

    steps(started("bp", backend="cupy"), 1)  # leaves the handle with factors on the device
    with monkeypatch.context() as patch:
        patch.setattr(cublas, "_call", stop)
        with pytest.raises(KeyboardInterrupt):
            steps(started("bp", backend="cupy"), 1)
    near(steps(started("bp", backend="cupy"), 3), "bp", 3)


def test_a_job_that_fails_leaves_later_work_in_order():
    device = open_device(0)
    x = device.zeros((1000,), "float32")

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        device.parallel([lambda: None, lambda: x.fill(1), fail])
    assert device.download(x).tolist() == [1] * 1000
    y = device.zeros((1,), "float32")
    device.parallel([lambda: y.fill(2)])
    assert device.download(y) == [2]
