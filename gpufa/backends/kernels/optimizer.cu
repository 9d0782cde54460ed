#include "common.cuh"

// The update of (replicas, n) parameters in one pass. `now` holds unbias1, unbias2 and the learning rates; `clip` a
// factor on each replica's gradient, or nothing.
extern "C" __global__ void optimizer_update(T* parameters, const T* gradient, T* state0, T* state1, i64 stride,
                                            const T* clip, const T* now, int rate, double l2, double decoupled,
                                            double shift_, double momentum_, double beta2_, double eps_, i64 n, i64 replicas) {
    const T unbias1 = now[0], unbias2 = now[1], lr = now[2 + rate];
    const T momentum = momentum_, beta2 = beta2_, eps = eps_, rest1 = 1 - momentum_, rest2 = 1 - beta2_;
    const T decay = l2, kept = (T)1 - lr * (T)decoupled, shift = shift_;
    FOR_REPLICAS(r) {
        const T scale = clip ? clip[r] : (T)1;
        for (i64 i = (blockIdx.x * (i64)blockDim.x + threadIdx.x) * V; i < n; i += (i64)gridDim.x * blockDim.x * V) {
            const i64 at = r * stride + i;
            Pack<T> ps = load(parameters + at), gs = load(gradient + at), s0, s1;
            if (STATES > 0) s0 = load(state0 + at);
            if (STATES > 1) s1 = load(state1 + at);
            FOR_PACK(v) {
                T p = ps.at[v], g = gs.at[v] * scale, first = STATES > 0 ? s0.at[v] : (T)0,
                  second = STATES > 1 ? s1.at[v] : (T)0;
                g += decay * p;
                p = p * kept - shift;
                UPDATE
                ps.at[v] = p, s0.at[v] = first, s1.at[v] = second;
            }
            store(parameters + at, ps);
            if (STATES > 0) store(state0 + at, s0);
            if (STATES > 1) store(state1 + at, s1);
        }
    }
}
