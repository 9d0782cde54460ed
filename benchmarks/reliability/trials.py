"""What is done to gpufa on purpose, and what it promises of it: a row for every trial."""

from collections.abc import Callable
from typing import NamedTuple

from . import guided, kills
from .count import Count, Say
from .inputs import trial as inputs


class Trial(NamedTuple):
    """`run(amount, seed, say)` does something `amount` times; `held` is the test that does it in short."""

    run: Callable[[int, int, Say], list[Count]]
    amount: int
    title: str
    promise: str
    held: str


TRIALS = {
    "kills": Trial(
        kills.run,
        300,
        "kill -9 at random moments",
        "A run goes on from a checkpoint that is at most one interval old, and ends in the same bits as one that was"
        " never killed.",
        "tests/test_folder.py::test_a_run_that_is_killed_again_and_again_loses_nothing",
    ),
    "inputs": Trial(
        inputs.run,
        40000,
        "Inputs that nobody should give",
        "Whatever is in a config, a command line, a data file or a call from Python, the answer is success or one"
        " sentence that says what is wrong: no other exception, no crash, no hang over 10 s, no more than 1 GiB.",
        "tests/test_inputs.py::test_every_input_is_answered",
    ),
    "guided": Trial(
        guided.run,
        960,
        "Inputs that a coverage-guided fuzzer makes",
        "The same of inputs that are made by looking at which code of gpufa the last ones reached; the amount is"
        " seconds.",
        "tests/test_inputs.py::test_the_guided_fuzzer",
    ),
}
