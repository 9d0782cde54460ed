"""What a first command has a GPU compile: CuPy takes some two seconds for each of its reductions, so that none is asked
for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SEEN = """
import standin
standin.install()
from cupy.cuda import compiler
compiled = compiler._compile_module_with_cache
def told(source, *rest, **options):
    print("COMPILED", *(line.split("(")[0].split()[-1] for line in source.splitlines() if "__global__" in line))
    return compiled(source, *rest, **options)
compiler._compile_module_with_cache = told
import gpufa
gpufa.train(gpufa.Config(epochs=1, seeds=[0, 1], backend="cupy", hidden=[8, 8], {more}))
"""
REDUCTIONS = re.compile(r"cupy_(sum|all|any|max|min|mean|prod|arg|nan|var|count)")


@pytest.mark.gpu
@pytest.mark.standin_only
@pytest.mark.parametrize(
    "more",
    ['data="digits", rule="dfa"', 'data="digits", rule="bp", optimizer="momentum"', 'data="tanh_teacher"'],
    ids=["dfa", "bp", "amounts"],
)
def test_none_is_a_reduction_of_cupys(more):
    command = [sys.executable, "-c", SEEN.format(more=more)]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    compiled = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("COMPILED")]
    assert ["dots", "dot"] in compiled
    own = [name for names in compiled for name in names if name.startswith("cupy_")]
    assert own  # copies and comparisons
    assert not [name for name in own if REDUCTIONS.match(name)]
