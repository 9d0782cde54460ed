#include "common.cuh"

// out = alpha * scale * (row sums of delta) + beta * out; a warp per row, alpha being 1 where not given.
extern "C" __global__ void row_sums(const S* delta, i64 delta_stride, T* out, i64 out_stride, const T* alpha,
                                    double scale, double beta, i64 rows, i64 columns, i64 replicas) {
    const int lane = threadIdx.x;
    const T factor = (alpha ? *alpha : (T)1) * (T)scale;
    FOR_REPLICAS(r) FOR_ROWS(row) {
        T sum = 0;
        for (i64 c = lane * V; c < columns; c += 32 * V) {
            const Pack<S> pack = load(delta + r * delta_stride + row * columns + c);
            FOR_PACK(v) sum += (T)pack.at[v];
        }
        for (int far = 16; far; far /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, far);
        T* const to = out + r * out_stride + row;
        if (lane == 0) *to = factor * sum + (beta == 0 ? (T)0 : (T)beta * *to);
    }
}

// The same of long rows: gridDim.x blocks share each, and the last of them adds up `parts`, in one order always.
extern "C" __global__ void long_row_sums(const S* delta, i64 delta_stride, T* out, i64 out_stride, const T* alpha,
                                         double scale, double beta, T* parts, unsigned* arrived, i64 rows,
                                         i64 columns, i64 replicas) {
    __shared__ T part[THREADS];
    const T factor = (alpha ? *alpha : (T)1) * (T)scale;
    FOR_REPLICAS(r) for (i64 row = blockIdx.y; row < rows; row += gridDim.y) {
        const i64 at = r * rows + row;
        T sum = 0;
        FOR_COLUMNS(c) {
            const Pack<S> pack = load(delta + r * delta_stride + row * columns + c);
            FOR_PACK(v) sum += (T)pack.at[v];
        }
        part[threadIdx.x] = sum;
        add_up<THREADS>(part);
        if (threadIdx.x == 0) parts[at * gridDim.x + blockIdx.x] = part[0];
        if (last_of(arrived + at, gridDim.x) && threadIdx.x == 0) {
            sum = 0;
            for (i64 i = at * gridDim.x; i < (at + 1) * gridDim.x; i++) sum += parts[i];
            T* const to = out + r * out_stride + row;
            *to = factor * sum + (beta == 0 ? (T)0 : (T)beta * *to);
        }
        __syncthreads();
    }
}

// squares[r, block] = the sum of the squares of the block's share of g[r].
extern "C" __global__ void square_sums(const T* g, i64 stride, double* squares, i64 n, i64 replicas) {
    __shared__ double part[THREADS];
    FOR_REPLICAS(r) {
        double sum = 0;
        for (i64 i = blockIdx.x * (i64)THREADS + threadIdx.x; i < n; i += gridDim.x * (i64)THREADS)
            sum += (double)g[r * stride + i] * (double)g[r * stride + i];
        part[threadIdx.x] = sum;
        add_up<THREADS>(part);
        if (threadIdx.x == 0) squares[r * gridDim.x + blockIdx.x] = part[0];
        __syncthreads();
    }
}

// factor[r] = min(1, most / (norm + 1e-6)), the norm being the root of the sum of squares[r]; a warp per replica.
extern "C" __global__ void clip_factors(const double* squares, int pieces, double most, T* factor, i64 replicas) {
    FOR_REPLICAS(r) {
        double sum = 0;
        for (int i = threadIdx.x; i < pieces; i += 32) sum += squares[r * pieces + i];
        for (int far = 16; far; far /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, far);
        const double wanted = most / (sqrt(sum) + 1e-6);
        if (threadIdx.x == 0) factor[r] = wanted < 1 ? (T)wanted : (T)1;
    }
}
