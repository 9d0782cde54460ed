"""Workers on one study as jobs of a cluster, by submitit: python with_submitit.py STUDY.toml FOLDER WORKERS [local].

With "local" they are processes on this machine. Needs submitit, and Optuna: pip install submitit 'gpufa[sweep]'.
"""

import sys

import submitit

from gpufa.commands.main import main


def work(study, folder):
    """One worker; the exit code of gpufa sweep."""
    return main(["sweep", study, "--out", folder])


if __name__ == "__main__":
    study, folder, workers = sys.argv[1:4]
    executor = submitit.AutoExecutor(f"{folder}/jobs", cluster=sys.argv[4] if sys.argv[4:] else None)
    executor.update_parameters(timeout_min=240, cpus_per_task=2, mem_gb=4)
    with executor.batch():
        jobs = [executor.submit(work, study, folder) for _ in range(int(workers))]
    print("exit codes:", *(job.result() for job in jobs))
