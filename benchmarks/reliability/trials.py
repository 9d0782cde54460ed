"""What is done to gpufa on purpose, and what it promises of it: a row for every trial."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from . import calls, disk, guided, kills, ranks
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
        "A run none of whose saves is put off goes on from a checkpoint that is at most one interval old, and ends in"
        " the same bits as one that was never killed.",
        "tests/runs/test_folder.py::test_a_run_that_is_killed_again_and_again_loses_nothing",
    ),
    "ranks": Trial(
        ranks.run,
        100,
        "kill -9 of one of the processes that train together",
        "The others end soon, and mpiexec with another exit code than 0. The run goes on, by as many, from a checkpoint"
        " that is at most one interval old, and ends in the same bits as one that was never killed.",
        "tests/parallel/test_lost_ranks.py::test_ranks_that_are_killed_again_and_again_lose_nothing",
    ),
    "calls": Trial(
        calls.run,
        0,
        "A fault in each system call of a save",
        "The save succeeds, or it is told in a sentence why not and the checkpoint before it stays; a process that is"
        " killed at the call leaves one of the two. Nothing half-written is left behind by a save that failed.",
        "tests/runs/test_faults.py::test_a_fault_in_any_system_call_of_a_save_leaves_a_whole_checkpoint",
    ),
    "disk": Trial(
        disk.run,
        200,
        "A disk that is full or read-only for a while",
        "The checkpoint that stood there stays whole, the run says that it could not save, goes on, saves again when it"
        " can, and ends in the same bits. A run that could not even start says so; one that can't save its end keeps it"
        " elsewhere and says where.",
        "tests/runs/test_faults.py::test_a_disk_that_fails_for_a_while_costs_nothing",
    ),
    "damage": Trial(
        partial(inputs.run, "damage"),
        10_000,
        "Damaged and hostile checkpoints",
        "A checkpoint with any other bytes than were written is refused in one sentence. One that somebody made under a"
        " valid header is refused, or read as what it says: no crash, no hang over 10 s, no reading outside the file,"
        " no more memory than it declares.",
        "tests/house/test_inputs.py",
    ),
    "inputs": Trial(
        partial(inputs.run, "inputs"),
        40000,
        "Inputs that nobody should give",
        "Whatever is in a config, a command line, a data file or a call from Python, the answer is success or one"
        " sentence that says what is wrong: no other exception, no crash, no hang over 10 s, no more than 1 GiB.",
        "tests/house/test_inputs.py::test_every_input_is_answered",
    ),
    "guided": Trial(
        guided.run,
        960,
        "Inputs that a coverage-guided fuzzer makes",
        "The same of inputs that are made by looking at which code of gpufa the last ones reached; the amount is"
        " seconds.",
        "tests/house/test_inputs.py::test_the_guided_fuzzer",
    ),
}
