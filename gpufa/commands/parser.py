"""The commands and their flags, made of the functions that do them."""

import itertools
import shlex
from collections.abc import Callable
from types import NoneType
from typing import Annotated, Any, Literal

from cyclopts import App, Group, Parameter, convert

from ..basics.errors import InvalidValue
from ..basics.ownfiles import is_own
from ..basics.version import __version__
from ..parallel.launch import BY_ONE, Processes
from ..report.compare import RULES
from ..training.settings.config import PARTS, Config
from ..training.settings.toml import read_toml, with_options
from . import draw, listing, trained
from .doctor import doctor
from .export import export
from .flags import config_of, flags_of, options_of, refuse_changes
from .generate import generate
from .reproduce import reproduce
from .sweep import sweep
from .train import compare, foretold, resume, train

PATHS = "--data", "--out", "--start", "--class-weights"  # flags whose value may be named like a config file
OTHERS: tuple[Callable[..., int], ...] = (
    *(resume, sweep, trained.evaluate, trained.predict, trained.inspect, generate, export, draw.plot, draw.report),
    *(listing.data, listing.rules, listing.layers, reproduce, listing.info, doctor),
)
COMPARED = Group("What is compared", sort_key=-1)
COMMAND = Group("This command alone", sort_key=9)
Once = Annotated[bool, Parameter(group=COMMAND)]


def app_for(args: list[str]) -> App:
    """All commands. Those that train do so with the settings of the file among `args`, which is taken out of them."""
    if args[:1] == ["resume"]:
        refuse_changes(args)
    file = _take_config_file(args)
    base = read_toml(file) if file else Config()
    rule = next((value for flag, value in itertools.pairwise(args) if flag == "--rule"), None)
    _check_own(base, file, args)
    app = App(
        name="gpufa",
        help="Train neural networks without backpropagation.",
        help_format="plaintext",
        version=f"gpufa {__version__}",
        default_parameter=Parameter(
            negative=(),
            consume_multiple=True,
            allow_repeating=True,
            json_list=False,
            show_default=_given,
            converter=_newest,
        ),
    )
    _add_training(app, base, rule or base.rule)
    app.command(listing.list_runs, name="list", sort_key=0)
    for key, command in enumerate(OTHERS, start=1):
        app.command(command, sort_key=key)

    @app.command(sort_key=len(OTHERS) + 1)
    def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
        """What makes a shell complete gpufa's commands, flags and names: gpufa completion bash >> ~/.bashrc.

        Args:
            shell: which one
        """
        print(app.generate_completion(shell=shell))
        return 0

    return app


def _check_own(base: Config, file: str | None, args: list[str]) -> None:
    """Raises InvalidValue where a config file alone names code."""
    flags = {arg.partition("=")[0] for arg in args}
    for name in ("rule", "tokens", *PARTS):
        given = getattr(base, name)
        for one in given if isinstance(given, tuple) else (given,):
            if is_own(one) and not {f"--{name}", f"--{name}s"} & flags:
                raise InvalidValue(
                    f"{file!r} names the {name} {one!r}, and no code runs because a config file names it;"
                    f" name it yourself, --{name} {shlex.quote(one)}"
                )


def _add_training(app: App, base: Config, rule: str) -> None:
    """train and compare, whose flags are the settings of a run."""
    one: Any = flags_of(base, rule)
    several: Any = flags_of(base, None, without=("rule",))
    options = Parameter(
        name="--set",
        consume_multiple=False,
        converter=_exactly,
        show_default=False,
        group=COMMAND,
        help=options_of(rule),
    )

    @app.command(name="train", sort_key=-2)
    def _(
        *,
        flags: Annotated[one, Parameter(name="*")] = one(),  # noqa: B008
        options: Annotated[tuple[str, ...], options] = (),
        force: Once = False,
        memory: Once = False,
        quiet: Once = False,
        processes: Annotated[Processes, Parameter(name="*", group=COMMAND)] = BY_ONE,
    ) -> int:
        """Train a network, with the settings of a file, of flags, or both; flags go before what the file says.

        gpufa train
        gpufa train --data mine.csv --target price --task regression --scaling standard
        gpufa train --rule fa --hidden 256 256 --epochs 20 --seeds 0 1 2 3 4 --out runs/mine
        gpufa train settings.toml --lr 0.01

        Args:
            force: write over the run that --out holds
            memory: only say what it would take of memory, by part
            quiet: print nothing but errors
        """
        config = config_of(base, flags, options)
        return foretold(config, processes) if memory else train(config, force, quiet, processes)

    @app.command(name="compare", sort_key=-1)
    def _(
        *,
        rules: Annotated[tuple[str, ...], Parameter(group=COMPARED)] = RULES,
        no_baseline: Annotated[bool, Parameter(group=COMPARED)] = False,
        flags: Annotated[several, Parameter(name="*")] = several(),  # noqa: B008
        options: Annotated[tuple[str, ...], options] = (),
        force: Once = False,
        quiet: Once = False,
    ) -> int:
        """Train the same net by several rules with the same seeds: one table, with a test, and one figure.

        gpufa compare --rules bp fa dfa --hidden 64 64 --seeds 0 1 2 3 4

        Args:
            rules: the rules to compare; the others are tested against the first
            no_baseline: leave out frozen hidden layers (rule shallow), which any rule has to beat
            force: write over the runs that --out holds
            quiet: print nothing but errors
        """
        own = with_options(Config(), options).rule_options
        return compare(config_of(base, flags, ()), rules, own, not no_baseline, force, quiet)


def _newest(kind: Any, tokens: Any) -> Any:
    """Of a flag that is given several times the last one, several values or one."""
    starts = [i for i, token in enumerate(tokens) if token.index == 0 and token.keyword]
    return _exactly(kind, tokens[starts[-1] :] if starts else tokens)


def _exactly(kind: Any, tokens: Any) -> Any:
    """What cyclopts makes of them, but for whole numbers, to which it rounds others, and for "none", which leaves a
    flag as if it weren't given."""

    def one(leaf: Any, text: str) -> Any:
        if leaf is NoneType:
            raise ValueError
        return leaf(text) if leaf in (int, float) else convert(leaf, [text])

    return convert(kind, tokens, one)


def _given(value: Any) -> str | None:
    """A default as help shows it; none for what merely means that nothing is given."""
    if value in (None, False, "", ()):
        return None
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _take_config_file(args: list[str]) -> str | None:
    """Take the file of settings out of the arguments of a command that trains: what ends in .toml, and is no flag's."""
    if args and args[0] in ("train", "compare"):
        for at, (flag, arg) in enumerate(itertools.pairwise(args), start=1):
            if arg.endswith(".toml") and not arg.startswith("--") and flag not in PATHS:
                return args.pop(at)
    return None
