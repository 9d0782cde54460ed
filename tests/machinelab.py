"""Machine code that is asked for anew, for tests that take the compiler away or change what it makes."""

from gpufa.backends.cpu.machine import attention, compiler, convolver, gates, norms, philox, pools, traces, update

REMEMBERED = (compiler.compiler, update.compiled_update, convolver.convolver, philox.mixer, traces.tracer)
REMEMBERED += (attention.attender, norms.normer, pools.pooler, gates._functions, gates._calls)


def forget():
    """Which compiler there is, and all that was made by it."""
    for one in REMEMBERED:
        one.cache_clear()
