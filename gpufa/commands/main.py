"""The command line: parse, call, print; errors in one sentence."""

import io
import shlex
import sys
import warnings
from collections.abc import Sequence

from cyclopts.exceptions import CoercionError, CycloptsError, UnknownCommandError, UnusedCliTokensError

from ..backends import faults
from ..basics.console import Lasting, silence
from ..basics.errors import GpufaError
from ..parallel.launch import refuse_many, speaks
from .parser import app_for

OK, BAD_INPUT, INTERRUPTED = 0, 2, 130
SEVERAL = "train", "resume", "sweep", "info", "doctor"  # may do other work, or find other things, in each process


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 when done, 2 for bad input, 3 when a seed diverged, 130 for a second Ctrl-C."""
    args = list(sys.argv[1:] if argv is None else argv)
    warnings.formatwarning = lambda message, *_: f"gpufa: {message}\n"
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a letter gets another one
    try:
        if args and not args[0].startswith("-") and args[0] not in SEVERAL:
            refuse_many("none")
        app = app_for(args)
        with faults():
            code: int | None = app(args, exit_on_error=False, print_error=False, result_action="return_value")
        print(end="", flush=True)
        return code or OK
    except (GpufaError, CycloptsError) as error:
        if speaks():
            print(f"gpufa: {_sentence(error, args)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        silence(sys.stdout)
        return OK
    except OSError as error:
        silence(sys.stdout)
        print(f"gpufa: a file or the output failed ({error}); see to it, and run this again", file=sys.stderr)
        return BAD_INPUT
    finally:
        Lasting(sys.stderr).flush()


def _sentence(error: GpufaError | CycloptsError, args: Sequence[str]) -> str:
    """What was wrong and what helps, in one line; of cyclopts' own errors the remedy is added."""
    text = " ".join(str(error).split())
    if isinstance(error, GpufaError):
        return text
    if isinstance(error, CoercionError) and error.token and set(",;[]()") & set(error.token.value):
        return f"{text} Separate several values by spaces, as in --hidden 64 64."
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens and args[0] in ("train", "compare"):
        return f"{text} Settings go as a file that ends in .toml, data as --data {shlex.quote(error.unused_tokens[0])}."
    command = "" if isinstance(error, UnknownCommandError) else f" {args[0]}"
    return f"{text} See gpufa{command} --help."
