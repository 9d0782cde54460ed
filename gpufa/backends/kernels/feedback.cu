#include "common.cuh"
#if KEYED
#include "philox.cuh"
#endif

// delta = (B e) * f'(z) [* mask] for B (rows, INNER) with so few columns that a block keeps its ROWS rows of it.
// Without a key B is read; with one it is made of Philox words: row i is stream streams[i] from element starts[i] on,
// times factors[i]. Each thread makes ROWS / blockDim.y rows by V columns.
extern "C" __global__ void feedback_delta(const S* matrix, i64 matrix_stride, i64 row_step, i64 column_step,
                                          const u64* seeds, const unsigned* streams, const u64* starts,
                                          const T* factors, const S* e, i64 e_stride, const S* z, i64 z_stride,
                                          const S* mask, i64 mask_stride, S* delta, i64 delta_stride, i64 rows,
                                          i64 columns, i64 replicas) {
    __shared__ T B[ROWS][INNER];
    const int thread = threadIdx.y * blockDim.x + threadIdx.x, threads = blockDim.x * blockDim.y;
    FOR_REPLICAS(r) for (i64 first = blockIdx.y * (i64)ROWS; first < rows; first += gridDim.y * (i64)ROWS) {
#if KEYED
        const int quads = INNER / 4 + 2;  // a row may start and end inside a group of four
        for (int t = thread; t < ROWS * quads; t += threads) {
            const i64 row = first + t / quads;
            if (row >= rows) continue;
            const u64 start = starts[row], quad = start / 4 + t % quads;
            const uint4 words = philox(quad, streams[row], 0, PURPOSE, seeds[r]);
            for (int i = 0; i < 4; i++) {
                const i64 j = (i64)(quad * 4 + i - start);
                if (j < 0 || j >= INNER) continue;
                const unsigned x = word(words, i);
                int n;
                LAW
                B[t / quads][j] = (T)n * factors[row];
            }
        }
#else
        for (int t = thread; t < ROWS * INNER; t += threads) {
            const i64 row = first + t / INNER;
            if (row < rows) B[t / INNER][t % INNER] = matrix[r * matrix_stride + row * row_step + t % INNER * column_step];
        }
#endif
        __syncthreads();
        FOR_COLUMNS(c) for (int i = threadIdx.y; i < ROWS && first + i < rows; i += blockDim.y) {
            T sum[V] = {};
            for (int j = 0; j < INNER; j++) {
                const Pack<S> error = load(e + r * e_stride + j * columns + c);
                FOR_PACK(v) sum[v] += B[i][j] * (T)error.at[v];
            }
            const i64 at = (first + i) * columns + c;
            const Pack<S> argument = load(z + r * z_stride + at);
            Pack<S> d;
            FOR_PACK(v) {
                const T Z = argument.at[v];
                T g;
                DERIVATIVE
                d.at[v] = sum[v] * g;
            }
            if (mask) {
                const Pack<S> keep = load(mask + r * mask_stride + at);
                FOR_PACK(v) d.at[v] = (T)d.at[v] * (T)keep.at[v];
            }
            store(delta + r * delta_stride + at, d);
        }
        __syncthreads();
    }
}
