#include "common.cuh"

// out[r] stays true where every x of from[r] passes TEST.
extern "C" __global__ void every(const T* from, i64 stride, bool* out, i64 n, i64 replicas) {
    FOR_REPLICAS(r) {
        bool all = true;
        for (i64 i = blockIdx.x * (i64)blockDim.x + threadIdx.x; i < n; i += gridDim.x * (i64)blockDim.x) {
            const T x = from[r * stride + i];
            all = all && (TEST);
        }
        if (!all) out[r] = false;
    }
}
