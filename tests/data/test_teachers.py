"""Data made by the program."""

import numpy as np
import pytest

import gpufa
from gpufa.data.datasets import load_inputs
from gpufa.data.sets.namedsets import DESCRIPTIONS, fetch
from gpufa.data.tasks.teachers import TEACHERS


@pytest.mark.parametrize("name", TEACHERS)
def test_shapes_and_moments(name):
    teacher, data = TEACHERS[name], gpufa.load_data(name)
    assert data.x_train.shape == (teacher.train_samples, teacher.inputs)
    assert data.y_test.shape == (teacher.test_samples, teacher.outputs)
    assert {a.dtype for a in data} == {np.dtype(np.float32)}
    assert abs(data.x_train.mean()) < 4 / data.x_train.size**0.5
    assert abs(data.x_train.std() - 1) < 4 / data.x_train.size**0.5
    assert not np.array_equal(data.x_train[: len(data.x_test)], data.x_test)


def test_each_is_what_it_says():
    linear, identity, net = (gpufa.load_data(name) for name in ("linear_teacher", "identity_teacher", "tanh_teacher"))
    T, residual, rank, _ = np.linalg.lstsq(linear.x_train.astype(float), linear.y_train.astype(float))
    assert rank == 30
    assert residual.max() < 1e-6
    assert 0.9 < abs(T).max() <= 1
    np.testing.assert_allclose(linear.x_test @ T, linear.y_test, atol=1e-4)
    np.testing.assert_array_equal(identity.x_train, identity.y_train)
    assert abs(net.y_train).max() <= 2
    T, residual, _, _ = np.linalg.lstsq(net.x_train.astype(float), net.y_train.astype(float))
    assert residual / np.square(net.y_train, dtype=float).sum() > 0.05  # no linear map


def test_the_same_in_every_run_and_found_by_name():
    np.testing.assert_array_equal(gpufa.load_data("linear-teacher").x_test, TEACHERS["linear_teacher"].part("test")[0])
    x, y = load_inputs("tanh_teacher", 100)
    np.testing.assert_array_equal(TEACHERS["tanh_teacher"].answer(x), y)
    assert set(TEACHERS) < set(DESCRIPTIONS)
    with pytest.raises(gpufa.InvalidValue, match="linear_teacher is made by the program and has no files; use it as"):
        fetch("linear_teacher")
