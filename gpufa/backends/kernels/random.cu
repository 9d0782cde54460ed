#include "common.cuh"
#include "philox.cuh"

#define FOR_QUADS(q, per_quad) \
    for (i64 q = blockIdx.x * (i64)blockDim.x + threadIdx.x; q * per_quad < length; q += (i64)gridDim.x * blockDim.x)

// out[r] = factor * numbers of the law, or that is added, (replicas, length).
extern "C" __global__ void fill(S* out, const u64* seeds, const i64* step, unsigned stream, unsigned purpose,
                                double factor, int add, i64 length, i64 stride, i64 replicas) {
    FOR_REPLICAS(r) FOR_QUADS(q, 4) {
        const uint4 words = philox(q, stream, (unsigned)*step, purpose, seeds[r]);
        for (int i = 0; i < 4 && q * 4 + i < length; i++) {
            const unsigned x = word(words, i);
            int n;
            LAW
            S& to = out[r * stride + q * 4 + i];
            to = (add ? (T)to : (T)0) + (T)n * (T)factor;
        }
    }
}

// out[r] = `keep` or 0, two elements of each word, the low half first: 0 where the half is below `threshold`.
extern "C" __global__ void dropout(S* out, const u64* seeds, const i64* step, unsigned stream, unsigned purpose,
                                   unsigned threshold, double keep, i64 length, i64 stride, i64 replicas) {
    FOR_REPLICAS(r) FOR_QUADS(q, 8) {
        const uint4 words = philox(q, stream, (unsigned)*step, purpose, seeds[r]);
        for (int i = 0; i < 8 && q * 8 + i < length; i++) {
            const unsigned half = word(words, i / 2) >> i % 2 * 16 & 0xffff;
            out[r * stride + q * 8 + i] = half >= threshold ? (T)keep : (T)0;
        }
    }
}

// out[r] = word << 32 | index: sorted, their lower halves are a random order of 0 .. n-1.
extern "C" __global__ void shuffle_keys(u64* out, const u64* seeds, unsigned stream, unsigned step, unsigned purpose,
                                        i64 length, i64 replicas) {
    FOR_REPLICAS(r) FOR_QUADS(q, 4) {
        const uint4 words = philox(q, stream, step, purpose, seeds[r]);
        for (int i = 0; i < 4 && q * 4 + i < length; i++) out[r * length + q * 4 + i] = (u64)word(words, i) << 32 | (q * 4 + i);
    }
}

// Rows first .. first + rows of a keyed matrix with `columns` columns (see feedback.cu), into `out`.
extern "C" __global__ void keyed_rows(S* out, const u64* seeds, const unsigned* streams, const u64* starts,
                                      const T* factors, unsigned purpose, i64 rows, i64 columns, i64 stride,
                                      i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) {
        const u64 start = starts[row], last = start + columns - 1;
        for (u64 q = start / 4 + blockIdx.x * (i64)blockDim.x + threadIdx.x; q <= last / 4;
             q += (i64)gridDim.x * blockDim.x) {
            const uint4 words = philox(q, streams[row], 0, purpose, seeds[r]);
            for (int i = 0; i < 4; i++) {
                const i64 j = (i64)(q * 4 + i - start);
                if (j < 0 || j >= columns) continue;
                const unsigned x = word(words, i);
                int n;
                LAW
                out[r * stride + row * columns + j] = (T)n * factors[row];
            }
        }
    }
}
