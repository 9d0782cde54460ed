"""Networks and histories in checkpoint files: which arrays and facts they hold, and how a network is made from them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..basics import files
from ..basics.arguments import of_type, path_of, readable
from ..basics.errors import FileProblem, InvalidValue
from ..basics.version import __version__
from ..data.graphs.graph import Graph
from ..data.samples.about import of_metadata
from ..data.samples.scaling import Scaling
from ..data.tables.missing import Filling
from ..functions.parts import Part, parts_of
from ..layers.words import stand_ins
from ..network import Network
from ..rules import RULES, Rule, make_rule, rule_class
from ..training.settings.config import PARTS
from . import hdf5
from .validity import EDGES, FILLED, SCALED, check

CHECKPOINT = "checkpoint.h5"
WRITTEN = "config.toml", "history.csv", "summary.json", "curves.png"  # by a run, beside its checkpoint


def checkpoint_of(path: str | Path) -> Path:
    """The checkpoint itself, from its path or its run's folder."""
    path = path_of(path)
    with readable(path, "checkpoint"):
        return path / CHECKPOINT if path.is_dir() else path


def check_free(out: Path) -> None:
    """Raises FileProblem where the folder holds a run already, or files that a run would write over."""
    with readable(out, "run folder"):
        if (out / CHECKPOINT).exists():
            raise FileProblem(
                f"{str(out)!r} holds a run already; go on with gpufa resume, give another --out, or add --force"
            )
        files.check_unused(out, WRITTEN, "a run", "give another --out, or add --force")


def save(net: Network, path: str | Path) -> None:
    """Write a network to an HDF5 file that gpufa.load reads. Raises FileProblem where it can't be written."""
    of_type(net, Network, "the network", "a gpufa.Network")
    path = path_of(path)
    if not path.name:
        raise FileProblem(f"{str(path)!r} is a folder; give the path of a file to write the network into")
    hdf5.write(path, *held(net))


def load(
    path: str | Path,
    backend: str = "auto",
    rule: Rule | type[Rule] | None = None,
    device: int = 0,
    parts: Sequence[Part | str] = (),
) -> Network:
    """The network in a checkpoint, or in a run's folder; it takes raw data, scaled as in training.

    A rule of your own is never imported because a file names it: hand its class in as `rule`, and activations and a
    loss of your own as `parts`, by themselves or by path/to/file.py:NAME. Raises FileProblem for a missing or damaged
    file, InvalidValue where `rule` is not the one that trained it, or a part is missing.
    """
    arrays, metadata = contents(path)
    about = metadata["network"]
    name, options = about["rule"]["name"], {k: v for k, v in about["rule"].items() if k != "name"}
    if rule is None and name not in RULES:
        raise InvalidValue(
            f"{str(path)!r} was trained by rule {name!r}, which gpufa does not ship; hand its class in as rule"
        )
    if rule is not None and (given := rule_class(rule).name) != name:
        raise InvalidValue(f"{str(path)!r} was trained by rule {name!r}, not {given!r}; hand that one in")
    check_parts(path, about, own := parts_of(parts))
    return made_of(arrays, metadata, make_rule(rule or name, options), backend=backend, device=device, parts=own)


def check_parts(path: str | Path, named: Mapping[str, Any], parts: Sequence[Part]) -> None:
    """Raises InvalidValue where a checkpoint's network or settings name a part that gpufa does not ship and `parts`
    lack."""
    known = {kind: {*cls.table, *(part.name for part in parts if isinstance(part, cls))} for kind, cls in PARTS.items()}
    known["init"] |= {"nokland", "nokland_code"}
    for kind, names in known.items():
        given = named.get(kind) or []
        used = dict.fromkeys(given if isinstance(given, list) else [given])
        if kind == "activation":
            used |= dict.fromkeys(f.name for f in stand_ins(named.get("layers") or ()))
        for name in used:
            if name not in names:
                raise InvalidValue(
                    f"{str(path)!r} was trained with {kind} {name!r}, which gpufa does not ship, and no code runs"
                    " because a checkpoint names it; hand it in, --parts path/to/file.py:NAME or parts=[...]"
                )


def made_of(arrays: Mapping[str, NDArray], metadata: Mapping[str, Any], rule: Rule, **more: Any) -> Network:
    """The network of those contents, `more` being its place and parts. Raises FileProblem where they don't fit."""
    about = metadata["network"]
    words = about.get("layers")
    net = Network(
        words or about["sizes"],
        activation=None if words else about["activation"] or None,
        loss=about["loss"],
        rule=rule,
        init="zeros",
        seeds=about["seeds"],
        dtype=about["dtype"],
        feedback=about.get("feedback", "stored"),
        residual=not words and about.get("residual", False),
        graph=graph_in(arrays, about),
        **more,
    )
    fill(network_arrays(net), arrays, net)
    net.filling, (net.scaling, net.target_scaling) = filling_in(arrays), scalings_in(arrays)
    net.about = of_metadata(metadata)
    return net


def network_arrays(net: Network) -> dict[str, Any]:
    """The live arrays that make a network, by their names in a checkpoint, each with the replica axis first."""
    fixed, measured = below("feedback", net.fixed.checkpointed), below("state", net.measured)
    return below("parameters", net.arena) | fixed | measured


def scaling_arrays(net: Network) -> dict[str, NDArray]:
    """What its inputs and targets go through, where they do, and the edges of its graph, by the names in a
    checkpoint."""
    found = zip((FILLED, *SCALED), (net.filling, net.scaling, net.target_scaling), strict=True)
    arrays = {name: array for group, one in found if one for name, array in below(group, one._asdict()).items()}
    found_edges = {} if net.graph is None else {EDGES: net.graph.edges}
    return {name: array for name, array in arrays.items() if array is not None} | found_edges


def graph_in(arrays: Mapping[str, NDArray], about: Mapping[str, Any]) -> Graph | None:
    """The graph whose edges are among a checkpoint's arrays, where there is one, its network being `about`."""
    return Graph(arrays[EDGES], about["nodes"]) if EDGES in arrays else None


def scalings_in(arrays: Mapping[str, NDArray]) -> tuple[Scaling | None, Scaling | None]:
    """The scaling of the inputs and that of the targets among a checkpoint's arrays, where there is one."""
    first, second = (Scaling(**found) if (found := inside(group, arrays)) else None for group in SCALED)
    return first, second


def filling_in(arrays: Mapping[str, NDArray]) -> Filling | None:
    """What missing values become, among a checkpoint's arrays, where they do."""
    return Filling(**found) if (found := inside(FILLED, arrays)) else None


def below(group: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """`arrays` with their names put under a group."""
    return {f"{group}/{name}": array for name, array in arrays.items()}


def inside(group: str, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """The reverse of `below`."""
    return {name.removeprefix(f"{group}/"): a for name, a in arrays.items() if name.startswith(f"{group}/")}


def host_arrays(net: Network, arrays: Mapping[str, Any]) -> dict[str, NDArray]:
    return {name: net.backend.to_host(array) for name, array in arrays.items()}


def held(net: Network) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """What a checkpoint of the net would hold: its arrays on the host, with its scalings, and its metadata."""
    return host_arrays(net, network_arrays(net)) | scaling_arrays(net), describe(net)


def describe(net: Network, seeds: Sequence[int] = ()) -> dict[str, Any]:
    """What a network is rebuilt from, beside its arrays; where it has a part of some seeds, that of all of them."""
    about = {
        "sizes": list(net.sizes.units),
        "activation": [f.name for f in net.activations],
        "loss": net.output_loss.name,
        "rule": {"name": net.rule.name, **net.rule.options},
        "seeds": list(seeds or net.seeds),
        "single": net.single and len(seeds or net.seeds) == 1,
        "dtype": net.dtype,
        "feedback": net.fixed.kind,
        "residual": bool(net.residual),
    }
    if not net.sizes.by_sizes:
        about["layers"] = net.sizes.words
    if net.graph is not None:
        about["nodes"] = net.graph.nodes
    said = {} if net.about is None or net.about.plain else {"about": net.about.to_mapping()}
    return {"gpufa": __version__, "network": about, **said}


def fill(live: Mapping[str, Any], arrays: Mapping[str, NDArray], net: Network) -> None:
    """Copy a checkpoint's arrays into the live ones. Raises FileProblem where one is missing or does not fit."""
    with net.backend.working():
        for name, target in live.items():
            found = arrays.get(name)
            if found is None or found.shape != target.shape or found.dtype != target.dtype:
                what = "missing" if found is None else f"{found.dtype} {found.shape}"
                raise FileProblem(
                    f"the checkpoint is of another network: {name} is {what},"
                    f" expected {target.dtype} {tuple(target.shape)}; load it with the settings it was trained with"
                )
            target[...] = net.backend.to_device(found)


def contents(path: str | Path) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """Every array and all metadata of a checkpoint. Raises FileProblem where it is missing, damaged or none of ours."""
    arrays, metadata = hdf5.read(file := checkpoint_of(path))
    check(arrays, metadata, file)
    return arrays, metadata


def facts(path: str | Path) -> dict[str, Any]:
    """The metadata alone."""
    metadata = hdf5.read_metadata(file := checkpoint_of(path))
    check(None, metadata, file)
    return metadata
