"""What tests of commands are made of: a short run, in a process of its own."""

import subprocess
import sys

FAST = ["--hidden", "8", "--epochs", "2", "--backend", "numpy"]


def run(*args, cwd, ok=0):
    done = subprocess.run(
        [sys.executable, "-m", "gpufa", *map(str, args)], cwd=cwd, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == ok, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done
