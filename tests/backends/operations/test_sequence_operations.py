"""Looking up and attention on both backends, in every order of threads, against loops over samples and tokens."""

import numpy as np
import pytest
from operationlab import draw, every_dtype, near

from gpufa.backends.operations.sequences import Heads

rng = np.random.default_rng(0)
every_shape = pytest.mark.parametrize(
    ("V", "n", "T", "m"), [(9, 4, 5, 3), (1, 1, 1, 1), (70, 33, 7, 9), (3, 40, 37, 1)]
)
every_attention = pytest.mark.parametrize(("h", "size", "T", "m"), [(2, 3, 5, 4), (1, 1, 1, 1), (3, 4, 37, 2)])


def tokens(V, *shape, dtype="float64"):
    return rng.integers(0, V, shape).astype(dtype)


@every_dtype
@every_shape
@pytest.mark.parametrize("shared", [True, False])
def test_rows_are_looked_up(backend, V, n, T, m, shared, dtype):
    W, x = draw(2, V, n, dtype=dtype), tokens(V, *([] if shared else [2]), T, m, dtype=dtype)
    out = backend.zeros((2, n, T * m), dtype)
    backend.look_up(backend.to_device(W), backend.to_device(x), out=out)
    for r in range(2):
        own = (x if shared else x[r]).reshape(-1).astype(int)
        np.testing.assert_array_equal(backend.to_host(out)[r], W[r][own].T)


@every_dtype
@every_shape
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("beta", [0.0, 1.0, 0.5])
def test_look_ups_are_added_up_by_token(backend, V, n, T, m, shared, beta, dtype):
    delta, x = draw(2, n, T * m, dtype=dtype), tokens(V, *([] if shared else [2]), T, m, dtype=dtype)
    W, alpha = draw(2, V, n, dtype=dtype), backend.to_device(np.array([0.3], dtype))
    expected = beta * W
    for r in range(2):
        np.add.at(expected[r], (x if shared else x[r]).reshape(-1).astype(int), np.float32(0.3) * delta[r].T)
    part = slice(V // 3, V // 3 + V // 2 + 1)
    given = backend.to_device(delta), backend.to_device(x)
    for times in (alpha, float(np.float32(0.3))):
        whole, some, turned = (backend.to_device(a.copy()) for a in (W, W[:, part], W.swapaxes(1, 2)))
        backend.add_look_ups(*given, out=whole, alpha=times, beta=beta)
        backend.add_look_ups(*given, out=some, first=part.start, alpha=times, beta=beta)
        backend.add_look_ups(*given, out=turned.swapaxes(1, 2), alpha=times, beta=beta)
        near(backend, whole, expected, dtype if dtype == "float32" else "float32")
        np.testing.assert_array_equal(backend.to_host(some), backend.to_host(whole)[:, part])
        np.testing.assert_array_equal(backend.to_host(turned).swapaxes(1, 2), backend.to_host(whole))


def test_what_no_token_asks_for_is_written_too(backend):
    out = backend.to_device(np.full((1, 4, 2), np.nan))
    backend.add_look_ups(backend.to_device(np.ones((1, 2, 3))), backend.to_device(np.full((3, 1), 2.0)), out=out)
    np.testing.assert_array_equal(backend.to_host(out)[0], [[0, 0], [0, 0], [3, 3], [0, 0]])


@every_dtype
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (33, 65), (600, 9), (5, 70)])
def test_matrices_are_turned_over(backend, rows, columns, dtype):
    x = draw(2, rows + 3, columns, dtype=dtype)
    source, into = (
        backend.to_device(x)[:, 2 : rows + 2],
        backend.zeros((2, columns + 2, rows), dtype)[:, 1 : columns + 1],
    )
    backend.turn(source, out=into)
    np.testing.assert_array_equal(backend.to_host(into), x[:, 2 : rows + 2].swapaxes(1, 2))


def softened(scores, causal, counted):
    """The weights of (R, m, h, T, T), by the definition."""
    found = np.zeros_like(scores)
    for r, s, h, t in np.ndindex(scores.shape[:4]):
        seen = [u for u in range(scores.shape[4]) if not (causal and u > t) and (counted is None or counted[r, u, s])]
        if seen:
            e = np.exp(scores[r, s, h, t, seen] - scores[r, s, h, t, seen].max())
            found[r, s, h, t, seen] = e / e.sum()
    return found


def heads_of(backend, h, m, causal, counted, dtype="float64"):
    """With room that is kept by its name."""
    there = {}

    def kept(name, *shape):
        if name not in there:
            there[name] = backend.zeros((2, *shape), dtype)
        return there[name]

    return Heads(h, m, causal, kept, None if counted is None else backend.to_device(counted.copy()))


def by_backend(backend, scores, heads):
    """Their weights."""
    found = backend.to_device(scores.copy())
    backend.soften(found, heads)
    return found


def counts(T, m, dtype="float64"):
    """One sample has no token that counts, others some."""
    found = (rng.random((2, T, m)) < 0.6).astype(dtype)
    found[0, :, 0] = 0
    return found


@every_dtype
@every_attention
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("padded", [True, False])
def test_scores_become_weights(backend, h, size, T, m, causal, padded, dtype):
    counted = counts(T, m, dtype) if padded else None
    scores = 5 * draw(2, m, h, T, T, dtype=dtype)
    found = by_backend(backend, scores, heads_of(backend, h, m, causal, counted, dtype))
    near(backend, found, softened(scores, causal, counted), dtype)


def test_scores_of_any_size_are_borne(backend):
    scores = np.array([[1e4, 1e4 - 1], [-1e4, -1e4]], "float32")[None, None, None]
    found = by_backend(backend, np.concatenate([scores, scores + 3]), heads_of(backend, 1, 1, False, None, "float32"))
    first = 1 / (1 + np.exp(-1))
    np.testing.assert_allclose(backend.to_host(found)[0, 0, 0], [[first, 1 - first], [0.5, 0.5]], rtol=1e-5)


def test_weights_of_many_tokens_are_summed_in_float32_without_loss(backend):
    """A sum in bfloat16 would be off by more than one in a hundred."""
    scores = rng.normal(size=(2, 1, 1, 3000, 3000)).astype("float32")[:, :, :, :4]
    weights = np.zeros((2, 1, 1, 3000, 3000), "float32")
    weights[:, :, :, :4] = scores
    found = by_backend(backend, weights, heads_of(backend, 1, 1, False, None, "float32"))
    sums = backend.to_host(found)[:, :, :, :4].astype("float64").sum(-1)
    np.testing.assert_allclose(sums, 1, rtol=2e-6)


@every_dtype
@every_attention
def test_the_signal_goes_back_to_scores(backend, h, size, T, m, dtype):
    weights, delta = softened(draw(2, m, h, T, T, dtype=dtype), True, None), draw(2, m, h, T, T, dtype=dtype)
    out = backend.to_device(delta.copy())
    backend.soften_back(backend.to_device(weights), out, 0.7)
    near(backend, out, 0.7 * weights * (delta - (weights * delta).sum(-1, keepdims=True)), dtype)


@every_attention
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("padded", [True, False])
def test_attention_is_its_definition_both_ways(backend, h, size, T, m, causal, padded):
    counted, d = counts(T, m) if padded else None, h * size
    made, delta = draw(2, 3 * d, T * m), draw(2, d, T * m)
    q, k, v = made.reshape(2, 3, h, size, T, m).swapaxes(0, 1)
    g = delta.reshape(2, h, size, T, m)
    weights = softened(np.einsum("rhctm,rhcum->rmhtu", q, k) / np.sqrt(size), causal, counted)
    taken = np.einsum("rmhtu,rhcum->rhctm", weights, v)
    of_scores = np.einsum("rhctm,rhcum->rmhtu", g, v)
    of_scores = weights * (of_scores - (of_scores * weights).sum(-1, keepdims=True)) / np.sqrt(size)
    back = [
        np.einsum("rmhtu,rhcum->rhctm", of_scores, k),
        np.einsum("rmhtu,rhctm->rhcum", of_scores, q),
        np.einsum("rmhtu,rhctm->rhcum", weights, g),
    ]
    heads = heads_of(backend, h, m, causal, counted)
    out, down = (backend.zeros(shape, "float64") for shape in (delta.shape, made.shape))
    given = backend.to_device(made)
    backend.attend(given, heads, out=out)
    backend.attend_back(backend.to_device(delta), given, heads, out=down)
    near(backend, backend.weigh(given, heads), weights)
    near(backend, out, taken.reshape(2, d, T * m))
    near(backend, down, np.stack(back, 1).reshape(2, 3 * d, T * m))
