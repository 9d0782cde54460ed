"""What contenders on tokens read of a work: shapes in front of its blocks, and what names of parameters end in."""

from collections.abc import Iterator

from gpufa.layers import block
from gpufa.layers.protocol.terms import Shape
from gpufa.layers.words import inputs
from gpufa.net.shape.layout import Layout

from ...works import Work


def shapes_of(work: Work) -> list[Shape]:
    return list(_layout(work).shapes[:-1])


def ends_of(work: Work) -> list[Iterator[str]]:
    layout = _layout(work)
    return [iter(layout.suffixes(k)) for k in layout.every]


def _layout(work: Work) -> Layout:
    shape = inputs(work.layers[0])
    assert shape
    return Layout.of(shape, [block(word) for word in work.layers[1:]])
