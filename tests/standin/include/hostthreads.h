// Part of hostcuda.h: a kernel's threads, and what the stand-in finds in its module.
#pragma once

// What the stand-in and a module know of each other; src/standin.h has the same.
dim3 gridDim, blockDim, blockIdx, threadIdx;
static struct {
    void (*wait)(bool whole_block);
    void (*exchange)(void* value, unsigned bytes, int lane);
} standin_host;
__shared__ char standin_some __attribute__((used));  // or there is no section
extern __attribute__((visibility("hidden"))) char __start_standin_shared[], __stop_standin_shared[];
#define STANDIN_VISIBLE extern "C" __attribute__((visibility("default"), used))
STANDIN_VISIBLE void* const standin_image[] = {
    &gridDim, &blockDim, &blockIdx, &threadIdx, __start_standin_shared, __stop_standin_shared, &standin_host};

enum { warpSize = 32 };
static inline void __syncthreads() { standin_host.wait(true); }
static inline void __syncwarp(unsigned = ~0u) { standin_host.wait(false); }
static inline void __threadfence() {}
static inline void __threadfence_block() {}
static inline int standin_lane() { return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % 32; }
template <class E>
E __shfl_sync(unsigned, E value, int lane, int = 32) {
    standin_host.exchange(&value, sizeof value, lane);
    return value;
}
template <class E>
E __shfl_xor_sync(unsigned mask, E value, int far, int = 32) {
    return __shfl_sync(mask, value, standin_lane() ^ far);
}
template <class E>
E __shfl_down_sync(unsigned mask, E value, int far, int = 32) {
    return __shfl_sync(mask, value, standin_lane() + far < 32 ? standin_lane() + far : standin_lane());
}

template <class E>
struct standin_is_pointer {
    static constexpr unsigned char value = 0;
};
template <class E>
struct standin_is_pointer<E*> {
    static constexpr unsigned char value = 1;
};
template <class E>
struct standin_is_pointer<E* const> {
    static constexpr unsigned char value = 1;
};
template <int...>
struct standin_places {};
template <int n, int... rest>
struct standin_count : standin_count<n - 1, n - 1, rest...> {};
template <int... all>
struct standin_count<0, all...> {
    typedef standin_places<all...> places;
};
template <class F>
struct standin_signature;
template <class... A>
struct standin_signature<void(A...)> {
    static constexpr int count = sizeof...(A);
    static inline const size_t sizes[] = {sizeof(A)..., 0};
    static inline const unsigned char pointers[] = {standin_is_pointer<A>::value..., 0};
    template <void (*kernel)(A...), int... i>
    static void call(void** a, standin_places<i...>) {
        kernel(*(A*)a[i]...);
    }
    template <void (*kernel)(A...)>
    static void enter(void** a) {
        call<kernel>(a, typename standin_count<count>::places());
    }
};
#define STANDIN_KERNEL(name)                                                                                       \
    STANDIN_VISIBLE const struct {                                                                                 \
        void (*enter)(void**);                                                                                     \
        int count;                                                                                                 \
        const size_t* sizes;                                                                                       \
        const unsigned char* pointers;                                                                             \
    } standin_kernel_##name = {standin_signature<decltype(name)>::enter<name>,                                     \
                               standin_signature<decltype(name)>::count, standin_signature<decltype(name)>::sizes, \
                               standin_signature<decltype(name)>::pointers};
