"""What tests of the stand-in GPU are made of: kernels, arrays, streams and the faults that were told."""

import standin

SEEDS = range(12)


def raw(text, parameters="float* x, long long n", name="f", **options):
    import cupy

    return cupy.RawKernel(f'extern "C" __global__ void {name}({parameters}) {{ {text} }}', name, **options)


def own(count, dtype="f"):
    """An array that is an allocation by itself."""
    import cupy

    with cupy.cuda.using_allocator(None):
        return cupy.empty(count, dtype)


def other_stream():
    import cupy

    return cupy.cuda.Stream(non_blocking=True)


def told(*words):
    """The faults since the last time, which must name all these."""
    found = standin.faults()
    for word in words:
        assert any(word in line for line in found), (word, found)
    return found
