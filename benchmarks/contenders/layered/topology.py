"""Nets in the words of Frenkel's program: convolutions, each with an activation and a pool of 2x2 behind it, and then
dense layers."""

from collections.abc import Iterator

from gpufa.layers import Act, Conv2d, Dense, MaxPool, block
from gpufa.layers.protocol.terms import Shape

from ...works import Work


def act_of(work: Work) -> str:
    """The one activation of its layers. Raises NotImplementedError where there are several."""
    names = {layer.name for word in work.layers[1:] for layer in block(word).layers if isinstance(layer, Act)}
    if len(names) != 1:
        raise NotImplementedError("its networks have one activation")
    return str(names.pop())


def topology(work: Work, shape: Shape) -> str:
    """The net as its string, a convolution that makes maps of one place being a dense layer. Raises
    NotImplementedError where it has no such net."""
    return "_".join(_words(work, shape))


def _words(work: Work, shape: Shape) -> Iterator[str]:
    for word in work.layers[1:]:
        chain = block(word)
        match [layer for layer in chain.layers if not isinstance(layer, Act)]:
            case [Conv2d(n=n)] if chain.out(shape)[1:] == (1, 1):
                yield f"FC_{n}"
            case [Conv2d() as conv, MaxPool(size=2 | (2, 2), stride=None | 2)]:
                seen = conv.windows(shape)
                yield f"CONV_{conv.n}_{seen.kernel[0]}_{seen.stride[0]}_{seen.pad[0][0]}"
            case [Dense(n=n)]:
                yield f"FC_{n}"
            case _:
                raise NotImplementedError(f"its networks have no '{word}'")
        shape = chain.out(shape)
