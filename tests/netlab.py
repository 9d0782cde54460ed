"""Words of random nets: every row of LAYERS with random options, in chains, under skip connections and beside them;
above units, maps, and tokens."""

import math

import numpy as np

from gpufa import InvalidValue
from gpufa.layers import LAYERS, block
from gpufa.layers.protocol.sequences import stepwise
from gpufa.layers.words import inputs

SMOOTH = "tanh", "gelu", "softplus", "logistic"
MOST = 150  # units of a layer
TOKENS = "embed", "positions", "attention", "mean", "as tokens"
ROUGH = "lif", "alif", "poisson", "latency", "delta"  # of which no loss has a slope
PLAIN = [word for word in LAYERS if word not in (*TOKENS, *ROUGH)]


def random_words(seed, without=()):
    """A net above units, channels x time or channels x height x width, with three outputs; some words left out."""
    draw = np.random.default_rng(seed)
    places = [int(n) for n in draw.integers(3, 8, draw.integers(0, 3))]
    shape = (int(draw.integers(2, 5)), *places)
    return _above(draw, [word for word in PLAIN if word not in without], f"input {'x'.join(map(str, shape))}")


def random_token_words(seed, without=()):
    """The same above tokens."""
    pool = [word for word in LAYERS if word not in without]
    draw = np.random.default_rng([seed, 1])
    n = int(draw.choice([2, 4, 6]))
    if draw.random() < 0.3:
        return _above(draw, pool, "input 2x4x3", f"conv {n} 2x2, as tokens, positions")
    first = f"embed {n}{', positions' if draw.random() < 0.5 else ''}"
    return _above(draw, pool, f"tokens {draw.integers(2, 7)} of {draw.integers(2, 9)}", first)


def _above(draw, pool, first, *words):
    """A few blocks above that input, and these."""
    shape, words = inputs(first), list(words)
    for word in words:
        shape = block(word).out(shape)
    for _ in range(draw.integers(1, 4)):
        text, out = _chain(draw, pool, shape, 2, 4)
        if not any(layer.parameters(own) for layer, own in block(text).walk(shape)):
            text = f"{text}, dense 4"
            out = block(text).out(shape)
        words.append(text)
        shape = out
    if stepwise(shape):
        words.append("mean, dense 4 tanh")
    return [first, *words, "dense 3"]


def _chain(draw, pool, shape, depth, most):
    """Layers above that shape, and the shape at their end."""
    texts = []
    while len(texts) < most and (not texts or draw.random() < 0.7):
        text = _residual(draw, pool, shape, depth - 1) if depth and draw.random() < 0.2 else _layer(draw, pool)
        out = _end(text, shape)
        if out and math.prod(out) <= MOST:
            texts.append(text)
            shape = out
    return ", ".join(texts), shape


def _residual(draw, pool, shape, depth):
    inner, out = _chain(draw, pool, shape, depth, 3)
    projected = (
        f"dense {out[0]}" if len(out) == 1 or stepwise(out) else f"conv{'1d' if len(out) == 2 else ''} {out[0]} 1"
    )
    beside = [_chain(draw, pool, shape, depth, 2)[0], *(f"{projected} stride {n}" for n in (1, 2, 3)), projected]
    fits = [text for text in beside if _end(text, shape) == out]
    return f"residual({inner})" if out == shape else f"residual({inner} | {fits[0]})" if fits else "tanh"


def _layer(draw, pool):
    word = str(
        draw.choice(
            [
                *(one for one in pool if not LAYERS[one].joins),
                *("conv", "conv1d", "local") * 4,
                *(one for one in ("recurrent", "gru", "lstm", "turn", "mean pool") * 2 if one in pool),
                *(TOKENS[1:3] * 8 if "attention" in pool else ()),
                "act",
                "act",
            ]
        )
    )
    act = str(draw.choice(SMOOTH))
    if word in ("act", "dropout"):
        return act
    numbers = {
        "dense": 5,
        "conv": 6,
        "conv1d": 6,
        "local": 4,
        "shortcut": 6,
        "attention": 3,
        "embed": 4,
        "recurrent": 4,
    }
    numbers |= {"gru": 3, "lstm": 3, "lowpass": 4}
    count = [str(draw.integers(2, numbers[word] + 1))] if word in numbers else []
    one = word == "conv1d"
    kernel = [_size(draw, 3, one)] if word in ("conv", "conv1d", "local", "pool", "mean pool") else []
    options = {"stride": _size(draw, 3, one), "pad": str(draw.choice(["same", "valid", "1", "2"])), "dilation": "2",
               "groups": "2", "nobias": "", "causal": "", "sinusoidal": "", "momentum": "0.3",
               "eps": "0.05", "all": "", "leaky": "0.4"}  # fmt: skip
    known = [option.name for option in LAYERS[word].options if option.name in options and draw.random() < 0.4]
    said = [f"{name} {options[name]}".strip() for name in known]
    return " ".join([word, *count, *kernel, *said, *([act] if draw.random() < 0.5 else [])])


def _size(draw, most, one):
    down, across = draw.integers(1, most + 1, 2)
    return f"{down}" if one or down == across else f"{down}x{across}"


def _end(text, shape):
    """What these words make of that shape; None where they can't."""
    try:
        return block(text).out(shape)
    except InvalidValue:
        return None
