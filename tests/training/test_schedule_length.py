"""A schedule that ends has a length of its own, which a resumed run keeps."""

import dataclasses

import pytest
from traininglab import DATA, config, parameters, same

import gpufa
from gpufa.functions.schedules import SCHEDULES, factor

COSINE = config(schedule="cosine", epochs=6, warmup=3)


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
def test_a_run_in_two_parts_is_the_whole_one(tmp_path, schedule):
    settings = dataclasses.replace(COSINE, schedule=schedule, schedule_every=2 if schedule == "step" else 10)
    whole = gpufa.train(settings, DATA)
    length = 6 if schedule == "cosine" else None
    gpufa.train(dataclasses.replace(settings, epochs=3, schedule_epochs=length, out=str(tmp_path)), DATA)
    same(parameters(gpufa.resume(tmp_path, epochs=6, data=DATA)), parameters(whole))


def test_the_step_schedule_steps_after_the_epochs_that_it_is_given():
    """As PyTorch's MultiStepLR, stepped once an epoch: of 3 steps an epoch, at 2 and 5."""
    found = [factor("step", step=step, steps_per_epoch=3, total_steps=24, gamma=0.1, at=(2, 5)) for step in range(24)]
    assert found == pytest.approx([1.0] * 6 + [0.1] * 9 + [0.01] * 9)
    run = gpufa.train(dataclasses.replace(COSINE, schedule="step", schedule_at=[2, 5]), DATA)
    assert run.config.schedule_at == (2, 5)
    by_every = dataclasses.replace(COSINE, schedule="step", schedule_every=3, epochs=5)
    same(
        parameters(gpufa.train(by_every, DATA)),
        parameters(gpufa.train(dataclasses.replace(by_every, schedule_every=10, schedule_at=(3,)), DATA)),
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"schedule_at": (5, 2)}, "schedule_at = .* can't be used; expected growing whole numbers of at least 1"),
        ({"schedule_at": (0,)}, "expected growing whole numbers"),
        (
            {"schedule_at": (2,), "schedule_every": 3},
            "and schedule_every = 3 others; leave --schedule-at or",
        ),
        (
            {"schedule_at": (2,), "schedule": "cosine"},
            "schedule is 'cosine'; add --schedule step, or leave --schedule-at",
        ),
    ],
)
def test_epochs_that_are_none_are_refused(change, text):
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.train(dataclasses.replace(config(schedule="step"), **change), DATA)


def test_more_epochs_than_the_schedule_has_are_refused_until_it_is_stretched(tmp_path):
    gpufa.train(dataclasses.replace(COSINE, epochs=3, out=str(tmp_path)), DATA)
    before = (tmp_path / "checkpoint.h5").read_bytes()
    with pytest.raises(
        gpufa.InvalidValue, match=r"schedule of .* ends after 3 epochs, and more .*; add --schedule-epochs 6"
    ):
        gpufa.resume(tmp_path, epochs=6, data=DATA)
    assert (tmp_path / "checkpoint.h5").read_bytes() == before
    with pytest.warns(gpufa.GpufaWarning, match="goes over 6 epochs from here on, and went over 3: the run is not as"):
        run = gpufa.resume(tmp_path, epochs=6, data=DATA, schedule_epochs=6)
    assert (run.config.epochs, run.config.schedule_epochs) == (6, 6)
    with pytest.raises(AssertionError):
        same(parameters(run), parameters(gpufa.train(COSINE, DATA)))


def test_fewer_epochs_leave_the_schedule_as_it_is(tmp_path):
    class Stop(gpufa.Callback):
        def on_epoch(self, trainer):
            trainer.stop_requested = True

    whole = gpufa.train(COSINE, DATA)
    gpufa.train(dataclasses.replace(COSINE, out=str(tmp_path)), DATA, callbacks=[Stop()])
    assert gpufa.resume(tmp_path, epochs=3, data=DATA).config.schedule_epochs == 6
    same(parameters(gpufa.resume(tmp_path, epochs=6, data=DATA)), parameters(whole))


def test_a_run_of_no_epochs_has_no_length_yet(tmp_path):
    gpufa.train(dataclasses.replace(COSINE, epochs=0, out=str(tmp_path)), DATA)
    same(parameters(gpufa.resume(tmp_path, epochs=6, data=DATA)), parameters(gpufa.train(COSINE, DATA)))


def test_epochs_behind_the_schedules_end_are_told():
    with pytest.warns(gpufa.GpufaWarning, match="ends after 2 of 4 epochs, and the others change nothing"):
        long = gpufa.train(dataclasses.replace(COSINE, epochs=4, schedule_epochs=2), DATA)
    same(parameters(long), parameters(gpufa.train(dataclasses.replace(COSINE, epochs=2), DATA)))


def test_a_schedule_of_ones_own_that_goes_by_its_length_keeps_it(tmp_path):
    fades = gpufa.Schedule("fades", lambda p: 1 - 0.5 * min(p.step / p.total, 1))
    assert [s.has_length for s in (fades, *SCHEDULES.values())] == [True, False, False, True]
    run, long = tmp_path / "run", config(schedule=fades, epochs=4, schedule_epochs=2)
    gpufa.train(config(schedule=fades, epochs=2, out=str(run)), DATA)
    with pytest.raises(
        gpufa.InvalidValue, match=r"goes over 2 epochs; add --schedule-epochs 4 to stretch it.*epochs 2 to go on by it"
    ):
        gpufa.resume(run, 4, DATA, parts=[fades])
    resumed = gpufa.resume(run, 4, DATA, parts=[fades], schedule_epochs=2)
    same(parameters(resumed), parameters(gpufa.train(long, DATA)))


def test_a_length_is_for_schedules_that_have_one():
    with pytest.raises(gpufa.InvalidValue, match="is the length of a schedule that has one, and step has none"):
        gpufa.train(config(schedule="step", schedule_epochs=5), DATA)
    with pytest.raises(gpufa.InvalidValue, match="schedule_epochs = 0 can't be used; expected a whole number of at"):
        config(schedule_epochs=0)
