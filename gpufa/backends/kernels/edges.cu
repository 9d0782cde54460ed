#include "common.cuh"

// out[r, row, c] = the sum over the entries of c, starts[c] <= i < starts[c + 1], of values[i] * x[r, row, places[i]],
// in their order, and b[r, row] on top where that is given: (replicas, rows, columns), V being 1.
extern "C" __global__ void neighbours(const T* x, i64 x_stride, const i64* starts, const i64* places, const T* values,
                                      const T* b, i64 b_stride, T* out, i64 out_stride, i64 rows, i64 columns,
                                      i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) {
        const T* const from = x + r * x_stride + row * columns;
        T* const to = out + r * out_stride + row * columns;
        const T bias = b ? b[r * b_stride + row] : (T)0;
        FOR_COLUMNS(c) {
            T sum = 0;
            for (i64 i = starts[c]; i < starts[c + 1]; i++) sum += values[i] * from[places[i]];
            to[c] = sum + bias;
        }
    }
}
