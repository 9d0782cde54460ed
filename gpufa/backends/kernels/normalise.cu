#include "common.cuh"

// Threads of a block go along samples or, UNITS_FIRST, along the units of a sample: as they lie in memory.
const int LONG = 32, SHORT = 8;
const int SAMPLES = UNITS_FIRST ? SHORT : LONG, LANES = UNITS_FIRST ? LONG : SHORT;

// G = the sum of a sample's h^2, (replicas, 1, columns), and out = h / (sqrt(G / rows) + tiny), like h (replicas, rows,
// columns).
extern "C" __global__ void normalise(const T* h, i64 h_stride, i64 h_row, i64 h_column, T* G, T* out, i64 out_stride,
                                     i64 out_row, i64 out_column, double tiny, i64 rows, i64 columns, i64 replicas) {
    __shared__ T part[SAMPLES][LANES + 1];
    const int own = UNITS_FIRST ? threadIdx.y : threadIdx.x, lane = UNITS_FIRST ? threadIdx.x : threadIdx.y;
    FOR_REPLICAS(r) for (i64 first = blockIdx.x * (i64)SAMPLES; first < columns; first += gridDim.x * (i64)SAMPLES) {
        const i64 c = first + own, last = c < columns ? rows : 0;
        const T* const from = h + r * h_stride + c * h_column;
        T sum = 0;
        for (i64 row = lane; row < last; row += LANES) sum += from[row * h_row] * from[row * h_row];
        part[own][lane] = sum;
        __syncthreads();
        sum = 0;
        for (int i = 0; i < LANES; i++) sum += part[own][i];
        const T length = sqrt(sum / (T)rows) + (T)tiny;
        if (lane == 0 && c < columns) G[r * columns + c] = sum;
        for (i64 row = lane; row < last; row += LANES)
            out[r * out_stride + row * out_row + c * out_column] = from[row * h_row] / length;
        __syncthreads();
    }
}
