"""What a class says about methods of its own, for classes below it that may write these anew."""

from collections.abc import Collection


def kept(cls: type, promise: str, methods: Collection[str]) -> bool:
    """Whether whoever has made the promise, an attribute of the class, has the last word on the methods too."""

    def said(name: str) -> int:
        return next((i for i, one in enumerate(cls.__mro__) if name in vars(one)), len(cls.__mro__))

    return said(promise) <= min(map(said, methods))
