"""PyTorch modules before they are made: calls, which can be written as Python, or done."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray


class Call(NamedTuple):
    """The call that makes a module, `name` being "nn.Linear" or a class of modules.py, and the arrays that belong into
    its state_dict, by its own names. The modules among its arguments it keeps by their place: "0", "1", ..."""

    name: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = {}
    state: Mapping[str, NDArray] = {}

    def text(self, indent: str = "") -> str:
        """The call as Python, modules within it on lines of their own."""
        inner = f"{indent}    "
        given = [one.text(inner) if isinstance(one, Call) else repr(one) for one in self.arguments]
        given += [f"{name}={value!r}" for name, value in self.options.items()]
        if not any(isinstance(one, Call) for one in self.arguments):
            return f"{self.name}({', '.join(given)})"
        lines = "".join(f"{inner}{one},\n" for one in given)
        return f"{self.name}(\n{lines}{indent})"

    def arrays(self, path: str = "") -> Iterator[tuple[str, NDArray]]:
        """Its state_dict."""
        for name, array in self.state.items():
            yield path + name, array
        for i, one in enumerate(self.arguments):
            if isinstance(one, Call):
                yield from one.arrays(f"{path}{i}.")

    def made(self, find: Callable[[str], Any]) -> Any:
        """The module; `find` gives the class of a name."""
        given = [one.made(find) if isinstance(one, Call) else one for one in self.arguments]
        return find(self.name)(*given, **self.options)


def chain(*calls: Call) -> Call:
    """One after the other."""
    return Call("nn.Sequential", calls)
