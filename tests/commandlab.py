"""What tests of commands are made of: a short run, as the command line makes it, but in the tests' own process."""

import contextlib
import io
import sys
import warnings
from types import SimpleNamespace

from gpufa.commands.main import main

FAST = ["--hidden", "8", "--epochs", "2", "--backend", "numpy"]


def run(*args, cwd, ok=0):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings_told():
        code = main([*map(str, args)])
    done = SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())
    assert code == ok, done.stdout + done.stderr
    return done


@contextlib.contextmanager
def warnings_told():
    """Warnings are printed, as they are outside of tests."""

    def show(message, category, filename, lineno, file=None, line=None):
        print(end=warnings.formatwarning(message, category, filename, lineno, line), file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = show
        yield
