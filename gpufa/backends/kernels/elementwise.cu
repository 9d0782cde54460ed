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

// out = product + b + given - less, of those that there are, (replicas, rows, columns).
extern "C" __global__ void drive(const T* product, i64 product_stride, const T* b, i64 b_stride, const T* given,
                                 i64 given_stride, const T* less, i64 less_stride, T* out, i64 out_stride, i64 rows,
                                 i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) {
        const T bias = b ? b[r * b_stride + row] : (T)0;
        FOR_COLUMNS(c) {
            const i64 at = row * columns + c;
            Pack<T> sum = {}, constant = {}, off = {};
            if (product) sum = load(product + r * product_stride + at);
            if (given) constant = load(given + r * given_stride + at);
            if (less) off = load(less + r * less_stride + at);
            FOR_PACK(v) sum.at[v] = sum.at[v] + bias + constant.at[v] - off.at[v];
            store(out + r * out_stride + at, sum);
        }
    }
}
