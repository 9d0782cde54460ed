"""Networks as PyTorch modules, and the Python text that makes the same module where gpufa isn't installed."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..basics.version import __version__
from ..network import Network
from .calls import Call, chain
from .forms import modules
from .graph import DOUBLE
from .needed import needed
from .steps import steps_of
from .told import told

MARK = '"""A net trained by gpufa'  # how the text begins
TEXT = '''{mark}, as a PyTorch module.

Raw samples, (n, features), go in, and what gpufa predicts, (n, outputs), comes out.
"""

from pathlib import Path

{classes}

TOLD = {told}


def build() -> nn.Module:
    """The module, with weights of no use."""
    return {call}{double}


def load(file=Path(__file__).with_name({file!r})) -> nn.Module:
    """The module with the weights of that file, as it predicts."""
    module = build()
    module.load_state_dict({load})
    return module.eval()
'''


class Planned(NamedTuple):
    """A module before it is made: the call, the type of its parameters, and what is told of the net."""

    call: Call
    dtype: str
    told: Mapping[str, Any]

    @property
    def arrays(self) -> dict[str, NDArray]:
        """Its state_dict."""
        return {name: np.asarray(array, order="C") for name, array in self.call.arrays()}

    def text(self, file: str, load: str, imported: str = "") -> str:
        """Python that makes the module; load() fills it from the file of that name by the expression `load`, which
        takes what is `imported`."""
        shipped = resources.files(__package__).joinpath("modules.py").read_text(encoding="utf-8")
        classes = shipped.partition('"""\n\n')[2].replace("import torch\n", f"import torch\n{imported}", 1)
        return TEXT.format(
            mark=f"{MARK} {__version__}",
            file=file,
            classes=classes,
            told=json.dumps(dict(self.told), indent=4, ensure_ascii=False),
            call=self.call.text("    "),
            double=".double()" if self.dtype == DOUBLE else "",
            load=load,
        )


def planned(net: Network, seed: int | None = None) -> Planned:
    """The module that `to_torch` makes, without PyTorch. Raises InvalidValue for what can't be exported."""
    return Planned(chain(*modules(steps_of(net, seed))), net.dtype, told(net, seed))


def to_torch(net: Network, *, seed: int | None = None) -> Any:
    """The network as a torch.nn.Sequential in eval mode, with copies of the weights on the CPU: from raw features,
    (n, features), or of images (n, channels, height, width), to what `predict` gives for one network, (n, outputs).

    Of several seeds that is the mean of all, or the net of `seed`. Raises InvalidValue for what can't be exported, and
    where PyTorch is missing.
    """
    with needed("PyTorch", "torch"):
        import torch

        from . import modules as own
    plan = planned(net, seed)

    def find(name: str) -> Any:
        of_torch = name.startswith("nn.")
        return getattr(torch.nn if of_torch else own, name.removeprefix("nn."))

    module = plan.call.made(find)
    if plan.dtype == DOUBLE:
        module.double()
    module.load_state_dict({name: torch.from_numpy(array) for name, array in plan.arrays.items()})
    return module.eval()
