#include "common.cuh"

// out[r, column] = the sum over rows of a * b, whose steps are 0 along axes that they have but once; threads of a block
// go along columns, and share the rows of each.
extern "C" __global__ void dots(const T* a, i64 a_replica, i64 a_row, i64 a_column, const T* b, i64 b_replica,
                                i64 b_row, i64 b_column, double* out, i64 out_stride, i64 rows, i64 columns,
                                i64 replicas) {
    const int COLUMNS = 32, LANES = 32;
    __shared__ double part[COLUMNS][LANES + 1];
    FOR_REPLICAS(r) for (i64 block = blockIdx.x * (i64)COLUMNS; block < columns; block += gridDim.x * (i64)COLUMNS) {
        const i64 c = block + threadIdx.x;
        const T *const left = a + r * a_replica + c * a_column, *const right = b + r * b_replica + c * b_column;
        double sum = 0;
        for (i64 row = threadIdx.y; row < rows && c < columns; row += LANES)
            sum += (double)left[row * a_row] * (double)right[row * b_row];
        part[threadIdx.x][threadIdx.y] = sum;
        __syncthreads();
        if (threadIdx.y == 0 && c < columns) {
            for (int i = 1; i < LANES; i++) sum += part[threadIdx.x][i];
            out[r * out_stride + c] = sum;
        }
        __syncthreads();
    }
}

// out[r] = the same over rows and columns: gridDim.x blocks share them, and the last of them adds up `parts`.
extern "C" __global__ void dot(const T* a, i64 a_replica, i64 a_row, i64 a_column, const T* b, i64 b_replica,
                               i64 b_row, i64 b_column, double* out, double* parts, unsigned* arrived, i64 rows,
                               i64 columns, i64 replicas) {
    __shared__ double part[THREADS];
    FOR_REPLICAS(r) {
        const T *const left = a + r * a_replica, *const right = b + r * b_replica;
        double sum = 0;
        for (i64 i = blockIdx.x * (i64)THREADS + threadIdx.x; i < rows * columns; i += gridDim.x * (i64)THREADS) {
            const i64 row = i / columns, c = i % columns;
            sum += (double)left[row * a_row + c * a_column] * (double)right[row * b_row + c * b_column];
        }
        part[threadIdx.x] = sum;
        add_up<THREADS>(part);
        if (threadIdx.x == 0) parts[r * gridDim.x + blockIdx.x] = part[0];
        if (last_of(arrived + r, gridDim.x) && threadIdx.x == 0) {
            sum = 0;
            for (int i = 0; i < gridDim.x; i++) sum += parts[r * gridDim.x + i];
            out[r] = sum;
        }
        __syncthreads();
    }
}
