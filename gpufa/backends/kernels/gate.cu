#include "common.cuh"

// out = delta * f'(z) and, with dropout, * mask; z is h or a, as the activation's row says. out may be delta.
extern "C" __global__ void gate(const S* delta, const S* z, const S* mask, S* out, i64 delta_stride, i64 z_stride,
                                i64 mask_stride, i64 out_stride, i64 rows, i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) FOR_COLUMNS(c) {
        const i64 at = row * columns + c;
        Pack<S> d = load(delta + r * delta_stride + at);
        const Pack<S> argument = load(z + r * z_stride + at);
        FOR_PACK(v) {
            const T Z = argument.at[v];
            T g;
            DERIVATIVE
            d.at[v] = (T)d.at[v] * g;
        }
        if (mask) {
            const Pack<S> keep = load(mask + r * mask_stride + at);
            FOR_PACK(v) d.at[v] = (T)d.at[v] * (T)keep.at[v];
        }
        store(out + r * out_stride + at, d);
    }
}
