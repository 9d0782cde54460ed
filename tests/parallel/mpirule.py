"""A rule that does something in one process alone, WHO, in its sixth step: what WHAT says. It pauses in each step for
PAUSE seconds, and leaves its process's number in a file."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import gpufa

RANK = os.environ.get("PMI_RANK", "0")
Path(f"pid{RANK}").write_text(f"{os.getpid()}")


@dataclass(frozen=True)
class Faulty(gpufa.rules.DFA):
    name = "faulty"
    separable = broadcasts = True

    def after_update(self, net):
        if net.training:
            time.sleep(float(os.environ.get("PAUSE", "0")))
            if net.step[0] == 5 and os.environ.get("WHO") in (RANK, "all"):
                exec(os.environ["WHAT"])
