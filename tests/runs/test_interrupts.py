"""Ctrl-C and signals in a program: the run is saved, and the program's loop ends too."""

import signal

import pytest
from traininglab import DATA, config, parameters, same

import gpufa


class Stop(gpufa.Callback):
    """Sends a signal within a step."""

    def __init__(self, number=signal.SIGINT, step=8):
        self.number, self.step = number, step

    def on_step(self, trainer):
        if trainer.progress.step == self.step:
            signal.raise_signal(self.number)


@pytest.fixture(autouse=True)
def handlers():
    """Those of a program, whatever the tests before have left."""
    old = {n: signal.signal(n, signal.SIG_DFL) for n in (signal.SIGTERM, signal.SIGHUP)}
    old[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in old.items():
        signal.signal(number, handler)


def over(names, tmp_path, done, number):
    """A program's loop."""
    for name in names:
        gpufa.train(config(out=str(tmp_path / name)), DATA, callbacks=[Stop(number)])
        done.append(name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_loop_over_runs_ends_and_the_run_that_was_cut_goes_on(tmp_path, number):
    done, said = [], r"has stopped the run, which is saved; go on with gpufa\.resume\('"
    with pytest.warns(gpufa.GpufaWarning, match=said), pytest.raises(KeyboardInterrupt):
        over("ab", tmp_path, done, number)
    assert not done
    assert not (tmp_path / "b").exists()
    same(parameters(gpufa.resume(tmp_path / "a", data=DATA)), parameters(gpufa.train(config(), DATA)))


def test_what_is_not_saved_is_told():
    said = "SIGINT has stopped the run, which is not saved, as it has no folder"
    with pytest.warns(gpufa.GpufaWarning, match=said), pytest.raises(KeyboardInterrupt):
        gpufa.train(config(), DATA, callbacks=[Stop()])


def test_return_gives_the_run_as_far_as_it_came(tmp_path):
    run = gpufa.train(config(out=str(tmp_path)), DATA, callbacks=[Stop(signal.SIGTERM)], on_interrupt="return")
    assert run.interrupted
    assert run.summary["epochs"] < run.config.epochs
    again = gpufa.resume(tmp_path, data=DATA, callbacks=[Stop(step=9)], on_interrupt="return")
    assert again.interrupted
    with pytest.warns(gpufa.GpufaWarning), pytest.raises(KeyboardInterrupt):
        gpufa.resume(tmp_path, data=DATA, callbacks=[Stop(step=10)])


def test_a_handler_of_the_programs_own_is_asked():
    heard = []
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    with pytest.warns(gpufa.GpufaWarning, match="SIGTERM has stopped the run"):
        run = gpufa.train(config(), DATA, callbacks=[Stop(signal.SIGTERM)])
    assert heard == [signal.SIGTERM]
    assert run.interrupted


def test_a_stop_that_the_program_asks_for_is_no_interrupt():
    class Enough(gpufa.Callback):
        def on_epoch(self, trainer):
            trainer.stop_requested = True

    assert gpufa.train(config(), DATA, callbacks=[Enough()]).interrupted


@pytest.mark.parametrize("call", [lambda **k: gpufa.train(config(), DATA, **k), lambda **k: gpufa.resume("x", **k)])
def test_what_else_it_could_do(call):
    with pytest.raises(gpufa.InvalidValue, match=r"on_interrupt.*'ignore'.*raise, return"):
        call(on_interrupt="ignore")
