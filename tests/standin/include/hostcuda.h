// CUDA C for a C++ compiler on the host; stands before every source that NVRTC is given.
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __shared__ static __attribute__((section("standin_shared")))
#define __forceinline__ inline
#define __noinline__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __restrict__
#define __CUDA_ARCH__ 900
#define __CUDACC_VER_MAJOR__ 12
#define CUDART_INF __builtin_inf()
#define CUDART_NAN __builtin_nan("")
#define CUDART_INF_F __builtin_inff()
#define CUDART_NAN_F __builtin_nanf("")
#define assert(condition) ((condition) ? (void)0 : __builtin_trap())

asm(".macro trap\n ud2\n .endm");
static inline void __trap() { __builtin_trap(); }
extern "C" int printf(const char*, ...);

struct dim3 {
    unsigned x, y, z;
};
typedef dim3 uint3;
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) double2 {
    double x, y;
};
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline double2 make_double2(double x, double y) { return {x, y}; }

template <class To, class From>
static inline To standin_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "as many bits");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
static inline unsigned __float_as_uint(float x) { return standin_bits<unsigned>(x); }
static inline int __float_as_int(float x) { return standin_bits<int>(x); }
static inline float __uint_as_float(unsigned x) { return standin_bits<float>(x); }
static inline float __int_as_float(int x) { return standin_bits<float>(x); }
static inline long long __double_as_longlong(double x) { return standin_bits<long long>(x); }
static inline double __longlong_as_double(long long x) { return standin_bits<double>(x); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return uint64_t(a) * b >> 32; }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
static inline int __ffs(int x) { return __builtin_ffs(x); }

template <class E>
static inline E min(E a, E b) {
    return b < a ? b : a;
}
template <class E>
static inline E max(E a, E b) {
    return a < b ? b : a;
}
static inline double rsqrt(double x) { return 1 / sqrt(x); }
static inline float rsqrt(float x) { return 1 / sqrtf(x); }
static inline float rsqrtf(float x) { return 1 / sqrtf(x); }

template <class E>
void __stwb(E* to, E value) {
    *to = value;
}
template <class E>
E __ldg(const E* from) {
    return *from;
}

// No other thread runs meanwhile.
template <class E>
static inline E standin_exchange(E* p, E value) {
    const E old = *p;
    *p = value;
    return old;
}
#define STANDIN_ATOMIC_ADD(E) \
    static inline E atomicAdd(E* p, E value) { return standin_exchange(p, (E)(*p + value)); }
STANDIN_ATOMIC_ADD(int)
STANDIN_ATOMIC_ADD(unsigned)
STANDIN_ATOMIC_ADD(unsigned long long)
STANDIN_ATOMIC_ADD(float)
STANDIN_ATOMIC_ADD(double)
template <class E>
E atomicExch(E* p, E value) {
    return standin_exchange(p, value);
}
template <class E>
E atomicMax(E* p, E value) {
    return standin_exchange(p, max(*p, value));
}
template <class E>
E atomicMin(E* p, E value) {
    return standin_exchange(p, min(*p, value));
}
template <class E>
E atomicCAS(E* p, E expected, E value) {
    return standin_exchange(p, *p == expected ? value : *p);
}

#include "hostthreads.h"
