"""The formulas as naive float64 loops: what every fast form is held to."""

import math

ACTIVATIONS = {  # name: (f(a), f'(a))
    "identity": (lambda a: a, lambda a: 1.0),
    "tanh": (math.tanh, lambda a: 1 / math.cosh(a) ** 2),
    "scaled_tanh": (
        lambda a: 1.7159 * math.tanh(2 * a / 3),
        lambda a: 1.7159 * 2 / 3 / math.cosh(2 * a / 3) ** 2,
    ),
    "logistic": (
        lambda a: 1 / (1 + math.exp(-a)),
        lambda a: math.exp(-abs(a)) / (1 + math.exp(-abs(a))) ** 2,
    ),
    "relu": (lambda a: max(a, 0.0), lambda a: float(a > 0)),
    "leaky_relu": (lambda a: a if a > 0 else 0.01 * a, lambda a: 1.0 if a > 0 else 0.01),
    "elu": (lambda a: a if a > 0 else math.exp(a) - 1, lambda a: 1.0 if a > 0 else math.exp(a)),
    "softplus": (
        lambda a: max(a, 0.0) + math.log1p(math.exp(-abs(a))),
        lambda a: 1 / (1 + math.exp(-a)),
    ),
    "gelu": (
        lambda a: 0.5 * a * math.erfc(-a / math.sqrt(2)),
        lambda a: 0.5 * math.erfc(-a / math.sqrt(2)) + a * math.exp(-a * a / 2) / math.sqrt(2 * math.pi),
    ),
    "silu": (
        lambda a: a / (1 + math.exp(-a)),
        lambda a: 1 / (1 + math.exp(-a)) + a * math.exp(-abs(a)) / (1 + math.exp(-abs(a))) ** 2,
    ),
    "hard_tanh": (lambda a: min(1.0, max(-1.0, a)), lambda a: float(-1 < a < 1)),
    "hard_logistic": (lambda a: min(1.0, max(0.0, a)), lambda a: float(0 <= a <= 1)),
    "sign": (lambda a: float((a > 0) - (a < 0)), lambda a: 0.0),
    "step": (lambda a: float(a > 0), lambda a: 0.0),
}


def cross_entropy(a, y):
    """(loss, outputs) of one sample."""
    top = max(a)
    total = sum(math.exp(v - top) for v in a)
    return (
        sum(t * (top + math.log(total) - v) for v, t in zip(a, y, strict=True)),
        [math.exp(v - top) / total for v in a],
    )


def binary_cross_entropy(a, y):
    loss = sum(max(v, 0) - v * t + math.log1p(math.exp(-abs(v))) for v, t in zip(a, y, strict=True))
    return loss, [1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v)) for v in a]


def squared_error(a, y):
    return sum((v - t) ** 2 for v, t in zip(a, y, strict=True)) / 2, list(a)


LOSSES = {f.__name__: f for f in (cross_entropy, binary_cross_entropy, squared_error)}
