// In place of CUDA's: as much of it as CuPy's arrays of float16 ask for.
#pragma once
#include "half.h"

struct __half_raw {
    unsigned short x;
};
struct half {
    unsigned short bits;
    half() = default;
    half(__half_raw raw) : bits(raw.x) {}
    template <class E>
    half(E value) : bits(standin_to_half((float)value)) {}
    operator float() const { return standin_from_half(bits); }
    operator __half_raw() const { return {bits}; }
};
typedef half __half;
static inline unsigned short __half_as_ushort(half x) { return x.bits; }
static inline half __ushort_as_half(unsigned short bits) { return __half_raw{bits}; }
static inline float __half2float(half x) { return x; }
static inline half __float2half_rn(float x) { return x; }
