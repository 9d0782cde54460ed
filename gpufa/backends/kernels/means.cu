#include "common.cuh"

// Threads of a block go along samples, and share the rows of each.
const int SAMPLES = 32, LANES = 8;

// out[row] = the mean of x, or of x * by, over its columns; a block per row, sums in double whatever T is.
extern "C" __global__ void row_means(const T* x, const T* by, T* out, i64 rows, i64 columns) {
    __shared__ double part[THREADS];
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        double sum = 0;
        for (i64 i = row * columns + threadIdx.x; i < (row + 1) * columns; i += THREADS)
            sum += (double)x[i] * (by ? (double)by[i] : 1.0);
        part[threadIdx.x] = sum;
        for (int half = THREADS / 2; half; half /= 2) {
            __syncthreads();
            if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        }
        if (threadIdx.x == 0) out[row] = part[0] / columns;
        __syncthreads();
    }
}

// out[r, column] = the mean of x, or of x * by, over its rows.
extern "C" __global__ void column_means(const T* x, const T* by, T* out, i64 rows, i64 columns, i64 replicas) {
    __shared__ double part[SAMPLES][LANES + 1];
    FOR_REPLICAS(r) for (i64 first = blockIdx.x * (i64)SAMPLES; first < columns; first += gridDim.x * (i64)SAMPLES) {
        const i64 c = first + threadIdx.x, last = c < columns ? rows : 0;
        double sum = 0;
        for (i64 row = threadIdx.y; row < last; row += LANES) {
            const i64 i = (r * rows + row) * columns + c;
            sum += (double)x[i] * (by ? (double)by[i] : 1.0);
        }
        part[threadIdx.x][threadIdx.y] = sum;
        __syncthreads();
        if (threadIdx.y == 0 && c < columns) {
            for (int i = 1; i < LANES; i++) sum += part[threadIdx.x][i];
            out[r * columns + c] = sum / rows;
        }
        __syncthreads();
    }
}
