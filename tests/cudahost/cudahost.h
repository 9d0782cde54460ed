// CUDA C on the CPU, for tests: a kernel is compiled as C++ and run one block at a time by runtime.cpp.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __shared__ static

struct dim3 {
    unsigned x, y, z;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static inline unsigned __umulhi(unsigned a, unsigned b) { return uint64_t(a) * b >> 32; }
static inline unsigned __float_as_uint(float x) {
    unsigned u;
    memcpy(&u, &x, 4);
    return u;
}
static inline float __uint_as_float(unsigned u) {
    float x;
    memcpy(&x, &u, 4);
    return x;
}
template <class E>
void __stwb(E* to, E value) {
    *to = value;
}

// In runtime.cpp.
extern dim3 gridDim, blockDim, blockIdx, threadIdx;
extern "C" void cudahost_wait(bool whole_block);
extern "C" void cudahost_exchange(void* value, unsigned bytes, int lane);

static inline void __syncthreads() { cudahost_wait(true); }
template <class E>
E __shfl_xor_sync(unsigned, E value, int far) {
    const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    cudahost_exchange(&value, sizeof value, thread % 32 ^ far);
    return value;
}
