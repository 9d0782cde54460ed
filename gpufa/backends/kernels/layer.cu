#include "common.cuh"

// h = f(a + b), b being 0 where not given, and, with dropout, sent = h * mask; a is kept where f' is written in it.
// a, h: (replicas, rows, columns).
extern "C" __global__ void bias_activation(S* a, const T* b, S* h, const S* mask, S* sent, i64 stride, i64 b_stride,
                                           i64 mask_stride, i64 rows, i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) {
        const T bias = b ? b[r * b_stride + row] : (T)0;
        FOR_COLUMNS(c) {
            const i64 at = r * stride + row * columns + c;
            const Pack<S> product = load(a + at);
            Pack<S> pre, post;
            FOR_PACK(v) {
                const T a = (T)product.at[v] + bias;
                T h;
                ACTIVATION
                pre.at[v] = a;
                post.at[v] = h;
            }
            if (KEEP) store(a + at, pre);
            store(h + at, post);
            if (!mask) continue;
            const Pack<S> keep = load(mask + r * mask_stride + row * columns + c);
            FOR_PACK(v) post.at[v] = (T)post.at[v] * (T)keep.at[v];
            store(sent + at, post);
        }
    }
}
