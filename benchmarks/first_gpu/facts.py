"""What the device is, how soon gpufa takes it, and what it says of it."""

import shutil
import subprocess
import time
from contextlib import suppress

from gpufa.backends import get_backend, why_no_gpu

from .task import Task, Wrong

ASKED = "driver_version,power.limit,clocks.max.sm,clocks.max.mem,ecc.mode.current,mig.mode.current,pstate"


def facts(task: Task) -> None:
    with suppress(Exception):  # whatever a GPU that can't be used raises, why_no_gpu says in words
        import cupy

        device = cupy.cuda.Device(0)
        name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
        task.keep(device=f"{name} (GPU 0)")
        task.keep(attributes={what: value for what, value in device.attributes.items() if value})
    if shutil.which("nvidia-smi"):
        command = ["nvidia-smi", f"--query-gpu={ASKED}", "--format=csv,noheader"]
        asked = subprocess.run(command, capture_output=True, text=True, timeout=20)
        task.keep(nvidia_smi=dict(zip(ASKED.split(","), asked.stdout.strip().split(", "), strict=False)))
    began = time.perf_counter()
    if reason := why_no_gpu():
        raise Wrong(reason)
    task.keep(seconds_until_usable=round(time.perf_counter() - began, 2))
    task.keep(facts=get_backend("numpy").describe() | get_backend("cupy").describe())
