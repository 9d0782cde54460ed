"""What an exported file says of its net."""

import json
from collections.abc import Mapping
from typing import Any

from ..basics.version import __version__
from ..data.samples.about import CLASSIFICATION
from ..network import Network


def told(net: Network, seed: int | None = None) -> dict[str, Any]:
    """Texts and lists by name, of a net that `steps_of` has taken; what isn't known is left out."""
    about = net.about
    found = {
        "gpufa": __version__,
        "task": net.supposed.task,
        "loss": net.output_loss.name,
        "rule": net.rule.name,
        "seeds": list(net.seeds) if seed is None else [seed],
        "layers": net.sizes.words,
        "features": [str(name) for name in (about and about.features) or ()],
        "target": [str(name) for name in about.target] if about else [],
        "classes": [about.class_name(i) for i in range(net.sizes.outputs)]
        if about and about.task == CLASSIFICATION
        else [],
    }
    return {name: value for name, value in found.items() if value}


def as_texts(facts: Mapping[str, Any]) -> dict[str, str]:
    """The same for formats that keep texts alone: lists as JSON."""
    return {name: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for name, v in facts.items()}
