#include "common.cuh"

// One step of units (replicas, rows, columns): u by MOVE, h = f(u) and, with dropout, sent = h * mask, and where it is
// asked for delta. `below` is the sum of the product, b and what is given, of those that there are; `above` is given
// too, or made here of V, (rows, inner), and y, (inner, columns), where there are few of those: none at `inner` 0.
extern "C" __global__ void relax(T* us, T* hs, T* sent, i64 stride, const T* product, i64 product_stride, const T* b,
                                 i64 b_stride, const T* given, i64 given_stride, const T* aboves, i64 aboves_stride,
                                 const T* es, i64 es_stride, T* deltas, i64 deltas_stride, const T* mask,
                                 i64 mask_stride, const T* matrix, i64 matrix_stride, i64 row_step, i64 column_step,
                                 const T* signal, i64 signal_stride, int inner, double gain, const T* sign,
                                 double strength_, double step_, int bound, i64 rows, i64 columns, i64 replicas) {
    const T step = step_;
    FOR_REPLICAS(r) {
        const T strength = (T)strength_ * (sign ? sign[r] : (T)1);
        FOR_ROWS(row) {
            const T bias = b ? b[r * b_stride + row] : (T)0;
            FOR_COLUMNS(c) {
                const i64 within = row * columns + c, at = r * stride + within;
                Pack<T> pre = load(us + at), post = load(hs + at), belows = {}, constant = {};
                Pack<T> sums = {}, errors = {}, keep = {};
                if (product) belows = load(product + r * product_stride + within);
                if (given) constant = load(given + r * given_stride + within);
                if (aboves) sums = load(aboves + r * aboves_stride + within);
                if (es) errors = load(es + r * es_stride + within);
                if (mask) keep = load(mask + r * mask_stride + within);
                for (int j = 0; j < inner; j++) {
                    const T weight = (T)gain * matrix[r * matrix_stride + row * row_step + j * column_step];
                    const Pack<T> y = load(signal + r * signal_stride + j * columns + c);
                    FOR_PACK(v) sums.at[v] += weight * y.at[v];
                }
                FOR_PACK(v) {
                    T u = pre.at[v], slope, delta = 0;
                    const T below = belows.at[v] + bias + constant.at[v], above = sums.at[v], e = errors.at[v];
                    {
                        const T Z = KEEP ? u : post.at[v];
                        T g;
                        DERIVATIVE
                        slope = mask ? g * keep.at[v] : g;
                    }
                    MOVE
                    const T a = u;
                    T h;
                    ACTIVATION
                    pre.at[v] = bound ? h : u, post.at[v] = h, keep.at[v] *= h, belows.at[v] = delta;
                }
                store(us + at, pre);
                store(hs + at, post);
                if (deltas) store(deltas + r * deltas_stride + within, belows);
                if (sent) store(sent + at, keep);
            }
        }
    }
}
