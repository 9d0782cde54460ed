"""The command that looks for what is wrong with this machine."""

from ..backends.checks import checks
from ..basics.console import console, say
from ..basics.version import __version__
from ..data.sets.checks import checks as data_checks
from . import display

OK, FOUND = 0, 1


def doctor() -> int:
    """What slows gpufa or stops it on this machine: why it matters, and the command that mends it.

    Looks at the cache and data folders, the C++ compiler, BLAS, its threads and kernels, CuPy, NVIDIA's driver and
    CUDA's libraries. Ends with exit code 0 where nothing is wrong, 1 where something is.
    """
    found = [*checks(), *data_checks()]
    wrong, slight = [one for one in found if one.weighs], [one for one in found if one.why and not one.weighs]
    display.facts({"gpufa": __version__} | {one.what: one.state for one in found if not one.why}, console())
    for title, findings in (("To be mended", wrong), ("To be known", slight)):
        for one in findings:
            say(f"\n{title}: {one.what}: {one.state}.\n  Why it matters: {one.why}.")
            if one.mend:
                say(f"  What mends it:  {one.mend}")
    say(f"\n{len(wrong)} to be mended" if wrong else "\nNothing is wrong.")
    return FOUND if wrong else OK
