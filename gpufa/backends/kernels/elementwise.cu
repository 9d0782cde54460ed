#include "common.cuh"

// out = x + size * sign(slope), (replicas, rows, columns).
extern "C" __global__ void perturb(const S* x, i64 x_stride, const T* slope, i64 slope_stride, double size, S* out,
                                   i64 out_stride, i64 rows, i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) FOR_COLUMNS(c) {
        const i64 at = row * columns + c;
        Pack<S> pack = load(x + r * x_stride + at);
        const Pack<T> slopes = load(slope + r * slope_stride + at);
        FOR_PACK(v) {
            const T s = slopes.at[v];
            pack.at[v] = (T)pack.at[v] + (T)size * (T)((s > 0) - (s < 0));
        }
        store(out + r * out_stride + at, pack);
    }
}

// out = x in the precision of slabs, (replicas, columns).
extern "C" __global__ void lower(const T* x, i64 x_stride, S* out, i64 out_stride, i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_COLUMNS(c) {
        const Pack<T> wide = load(x + r * x_stride + c);
        Pack<S> pack;
        FOR_PACK(v) pack.at[v] = wide.at[v];
        store(out + r * out_stride + c, pack);
    }
}
