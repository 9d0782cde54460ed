"""What tests of searches are made of: a small study on the digits, as its file says it."""

import copy

import tomli_w

from gpufa.commands.main import main

SMALL = {
    "rules": ["bp", "dfa"],
    "trials": 3,
    "sampler": "random",
    "pruner": "none",
    "fresh_seeds": 2,
    "settings": {
        "data": "digits",
        "validation": 0.2,
        "samples": 200,
        "hidden": [8],
        "epochs": 2,
        "seeds": [0],
        "backend": "numpy",
    },
    "space": {"lr": {"low": 1e-4, "high": 0.03, "log": True}},
}


def table(**changes):
    """The small study with these changes; "settings__epochs" is of [settings], None takes something out."""
    made = copy.deepcopy(SMALL)
    for name, value in changes.items():
        *above, last = name.split("__")
        part = made
        for one in above:
            part = part.setdefault(one, {})
        if value is None:
            del part[last]
        else:
            part[last] = value
    return made


def written(folder, **changes):
    """The file of the small study with these changes."""
    path = folder / "small.toml"
    path.write_text(tomli_w.dumps(table(**changes)))
    return path


def sweep(folder, *flags, code=0, **changes):
    """Run it in this process, in FOLDER/study; that folder."""
    out = folder / "study"
    assert main(["sweep", str(written(folder, **changes)), "--out", str(out), *flags]) == code
    return out
