"""Text that a language model goes on with, token by token."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import is_number, of_type, shown, whole
from ..basics.errors import InvalidValue
from ..basics.random import Generator, Purpose, check_seed
from ..data.text.texts import vocabulary_size
from ..data.text.tokens import decoded, encoded, known_by
from ..network import Network


def generate(
    net: Network,
    prompt: str,
    tokens: int = 100,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
    tokenizer: Any = None,
) -> str:
    """The text that the net, trained on text, goes on with behind the prompt: so many tokens, without the prompt.

    A token is drawn by its probability to the power 1 / temperature; with temperature 0, or top_k = 1, it is the most
    probable one. Of `top_k` the others are never drawn. Equal seeds give equal text. A net of several seeds goes by the
    mean of their probabilities. It sees as many tokens as a window of its training has, the newest. Raises InvalidValue
    for a net that was trained on no text, and for a prompt with tokens that this had not.
    """
    of_type(net, Network, "the net", "a gpufa.Network, such as gpufa.load('runs/mine')")
    about = net.about
    if about is None or about.tokens is None:
        raise InvalidValue(
            "the net was not trained on text, and has no tokens to go on with; train one on --data text:FILE"
        )
    if not isinstance(prompt, str):
        raise InvalidValue(f"prompt can't be {shown(prompt)}; give a text")
    whole(tokens, "the number of tokens", least=0)
    if not is_number(temperature) or temperature < 0:
        raise InvalidValue(f"temperature can't be {shown(temperature)}; give a number of at least 0")
    most = vocabulary_size(about)
    top_k = most if top_k is None else whole(top_k, "top_k")
    by = known_by(about, tokenizer)
    numbers = encoded(by, prompt, most)
    if not numbers.size:
        raise InvalidValue(
            "the prompt is empty, and the first token comes of nothing; give at least one, --prompt 'The '"
        )
    length, draws, word = net.sizes.inputs, Generator(), np.empty(1, np.uint32)
    check_seed(seed)
    for i in range(tokens):
        shares = _next(net, numbers[-length:])
        draws.words(word, seed, Purpose.SAMPLE, step=i)
        numbers = np.append(numbers, _drawn(shares, temperature, top_k, float(word[0]) / 2**32))
    return decoded(by, numbers[len(numbers) - tokens :].tolist())


def _next(net: Network, numbers: NDArray) -> NDArray[np.float64]:
    """The probabilities of what comes behind these tokens, at most a window of them. What fills it up stands behind
    them, where a net that looks back alone does not see it."""
    x = np.zeros((1, net.sizes.inputs), np.float32)
    x[0, : len(numbers)] = numbers
    outputs = net.predict(x).astype(np.float64)
    at = outputs[..., 0, :, len(numbers) - 1]
    if not (at >= 0).all():
        raise InvalidValue(
            f"the net has {at[~(at >= 0)][0]:.3g} in place of a probability: it has diverged, or its loss,"
            f" {net.output_loss.name}, is of none; train one by cross_entropy, with another --lr"
        )
    return at if net.single else np.asarray(at.mean(axis=0))


def _drawn(shares: NDArray[np.float64], temperature: float, top_k: int, u: float) -> int:
    """A token by its share, for u in 0 .. 1; of equal shares the first is the larger."""
    order = np.argsort(-shares, kind="stable")[:top_k]
    if temperature == 0:
        return int(order[0])
    with np.errstate(divide="ignore"):
        powers = np.log(shares[order]) / temperature
    sums = np.cumsum(np.exp(powers - powers.max()))
    return int(order[min(np.searchsorted(sums, u * sums[-1], side="right"), len(order) - 1)])
