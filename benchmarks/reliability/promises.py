"""Promises whose test does all there is to do: no counting makes them surer."""

from typing import NamedTuple


class Promise(NamedTuple):
    """What may happen, what is so all the same, and the test that makes it happen."""

    fault: str
    promise: str
    test: str


PROMISES = (
    Promise(
        "Ctrl-C, SIGTERM, SIGHUP",
        "the step is finished, the run is saved, and `gpufa resume` ends it bit for bit",
        "commands/test_cli.py::test_signals_save_and_exit_cleanly_and_resume_is_bitwise",
    ),
    Promise(
        "a second Ctrl-C",
        "ends the run at once; the last checkpoint is named, and goes on bit for bit",
        "runs/test_faults.py::test_a_second_ctrl_c_ends_a_step_that_does_not_and_the_run_goes_on_from_its_checkpoint",
    ),
    Promise(
        "the end of a session under nohup",
        "the run goes on",
        "runs/test_faults.py::test_a_signal_that_is_ignored_stays_ignored",
    ),
    Promise(
        "a terminal or pipe that is gone, a full log",
        "the run goes on in silence",
        "runs/test_faults.py::test_a_run_outlasts_the_terminal_that_it_writes_to",
    ),
    Promise(
        "two runs started on one folder",
        "the second is refused, the first does not notice",
        "runs/test_folder.py::test_a_folder_in_use_is_refused_and_its_run_left_alone",
    ),
    Promise(
        "clocks that jump by years, forth and back",
        "the same bits; no time of day decides anything",
        "runs/test_faults.py::test_clocks_may_jump",
    ),
    Promise(
        "a data file that vanishes, or has changed",
        "the run goes on; a later resume says what is missing, or that the data are others",
        "runs/test_faults.py::test_data_that_vanish_in_mid_run_are_missed_by_the_next_one_alone",
    ),
    Promise(
        "a run of another version of gpufa",
        "goes on and says so; settings that this one lacks are named",
        "runs/test_faults.py::test_a_run_of_another_version_goes_on_and_says_so",
    ),
    Promise(
        "a checkpoint that names a rule file, a pickle, code in a config",
        "no code runs because a file names it; nothing is unpickled",
        "house/test_safety.py",
    ),
    Promise(
        "weights or a loss that are no longer finite",
        "that seed stops and gets its last checkpoint back; the others keep their bits",
        "measure/test_health.py::test_a_replica_that_diverges_leaves_the_others_their_bits_under_every_rule",
    ),
    Promise(
        "dead units, a loss that rises a thousandfold",
        "told at the end of the run, with layer, seed and remedy",
        "measure/test_health.py",
    ),
    Promise(
        "a GPU that is lost or runs out of memory in mid-run (on the stand-in for a GPU; not yet run on one)",
        "one sentence; history.csv has every epoch, the checkpoint goes on, there or on the CPU",
        "backends/test_gpu_faults.py",
    ),
    Promise(
        "equal seeds, backend, precision and threads; resumed or not, recorded or not",
        "the same bits, under every rule",
        "house/test_promises.py::test_captured_or_not_and_resumed_the_bits_are_the_same",
    ),
    Promise(
        "another number of threads, also on resume",
        "the same but for rounding: 1e-10 after 50 steps in float64, under every rule (below)",
        "house/test_promises.py::test_other_numbers_of_threads_keep_all_but_rounding",
    ),
    Promise(
        "another backend, also on resume",
        "the same but for rounding, under every rule (below)",
        "house/test_promises.py::test_on_cupy_and_resumed_from_one_backend_on_the_other_it_is_numpys_run_to_rounding",
    ),
    Promise(
        "another number of threads, in a first step of Adam",
        "no weight is off by more than lr / eps times its gradient's rounding, or by more than 2 lr",
        "house/test_promises.py::test_adams_first_step_makes_no_more_of_rounding_than_lr_over_eps_and_never_over_two_steps",
    ),
    Promise(
        "a seed among others, or alone",
        "the same but for rounding, under every rule (below)",
        "house/test_promises.py::test_a_replica_is_its_single_run_to_rounding",
    ),
    Promise(
        "initial weights and feedback on any backend, with any threads, among any seeds",
        "the same bits, under every rule",
        "house/test_promises.py::test_initial_weights_and_feedback_are_the_same_bits_everywhere",
    ),
    Promise(
        "layers in another order in memory",
        "the same but for rounding (below)",
        "house/test_promises.py::test_the_order_of_layers_in_memory_changes_nothing_but_rounding",
    ),
)

ROUNDING = """To rounding are runs by `sgd`, `momentum` and `nesterov`. `adam`, `adamw` and `rmsprop` divide each
gradient by its own size plus eps, which is 1e-8: where a gradient is all but zero, its rounding decides the step, which
may then be off by all its length, and longer runs drift apart. Of them it is each step's gradients that are promised to
rounding. With `--eps 1e-3` their runs are equal to rounding as well. `nn_lift` searches for hidden units, and finds the
same to rounding where the data determine them; on others it may find others. The same bits are promised under every
optimizer.
"""
