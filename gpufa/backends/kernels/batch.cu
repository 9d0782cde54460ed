#include "common.cuh"
#ifdef MOVES
#include "philox.cuh"
#endif

const int TILE = 32;
#define FOR_TILES(row, column) \
    for (i64 row = blockIdx.y * (i64)TILE; row < rows; row += gridDim.y * (i64)TILE) \
        for (i64 column = blockIdx.x * (i64)TILE; column < columns; column += gridDim.x * (i64)TILE)
#define FOR_TILE(i) \
    for (int i = threadIdx.y * blockDim.x + threadIdx.x; i < TILE * TILE; i += blockDim.x * blockDim.y)

// A tile of out[unit, sample], `pitch` from unit to unit: whether that is the sample's label, of PLACES labels of a
// sample its own place's. Samples are at `places`, or in their own order where there are none.
__device__ void target_tile(const i64* labels, const i64* places, S* out, i64 pitch, i64 unit, i64 sample, i64 rows,
                            i64 columns) {
    FOR_TILE(i) {
        const i64 row = unit + i / TILE, c = sample + i % TILE;
        if (row < rows && c < columns) {
            const i64 label = labels[(places ? places[c] : c) * PLACES + row % PLACES];
            out[row * pitch + c] = label == row / PLACES ? (T)1 : (T)0;
        }
    }
}

// The labels themselves, out[place, sample].
__device__ void target_tile(const i64* labels, const i64* places, i64* out, i64 pitch, i64 unit, i64 sample, i64 rows,
                            i64 columns) {
    FOR_TILE(i) {
        const i64 row = unit + i / TILE, c = sample + i % TILE;
        if (row < rows && c < columns) out[row * pitch + c] = labels[(places ? places[c] : c) * PLACES + row];
    }
}

// The same of targets (samples, units), turned over in shared memory: read and written along the rows of either.
__device__ void target_tile(const T* targets, const i64* places, S* out, i64 pitch, i64 unit, i64 sample, i64 rows,
                            i64 columns) {
    __shared__ T tile[TILE][TILE + 1];
    FOR_TILE(i) {
        const i64 c = sample + i / TILE, row = unit + i % TILE;
        if (row < rows && c < columns) tile[i / TILE][i % TILE] = targets[(places ? places[c] : c) * rows + row];
    }
    __syncthreads();
    FOR_TILE(i) {
        const i64 row = unit + i / TILE, c = sample + i % TILE;
        if (row < rows && c < columns) out[row * pitch + c] = tile[i % TILE][i / TILE];
    }
}

// out[r] = the targets of all samples, (replicas, rows, columns); Y is i64 for labels and T for what is real, and O is S,
// or i64 where labels stay labels.
extern "C" __global__ void targets(const Y* y, i64 y_stride, O* out, i64 out_stride, i64 pitch, i64 rows, i64 columns,
                                   i64 replicas) {
    FOR_REPLICAS(r) FOR_TILES(row, c) {
        target_tile(y + r * y_stride, 0, out + r * out_stride, pitch, row, c, rows, columns);
        __syncthreads();
    }
}

// counters = (step, batch) both go on by one, and `now` becomes the batch's row of the table: by one block.
__device__ void go_on(i64* counters, const T* table, T* now, int width) {
    const i64 batch = counters[1] + 1;
    const int thread = threadIdx.y * blockDim.x + threadIdx.x;
    for (int i = thread; i < width; i += blockDim.x * blockDim.y) now[i] = table[batch * width + i];
    __syncthreads();
    if (thread == 0) counters[0]++, counters[1]++;
}

extern "C" __global__ void tick(i64* counters, const T* table, T* now, int width) {
    go_on(counters, table, now, width);
    __syncthreads();
}

#ifdef MOVES
// Element c of a sample, an image of channels x height x width places, as MOVES change it: where it is taken from.
__device__ U changed(const U* image, i64 c, i64 height, i64 width, i64 sample, unsigned step, u64 seed) {
    const i64 channel = c - c % (height * width);
    i64 i = c / width % height, j = c % width;
    bool seen = true;
    MOVES
    return seen ? image[channel + i * width + j] : (U)0;
}
#endif

// x[r, sample] = (source[places[sample]] - shift) * factor, (replicas, samples, inputs), U being the source's type, and
// y[r] its targets, (replicas, units, samples), of the batch that is next, and where there are weights, (replicas, all
// samples * PLACES), w[r] theirs, (PLACES, samples); the last block does `tick`. With MOVES the source is changed first, and V is 1.
extern "C" __global__ void load_samples(i64* counters, const T* table, T* now, int width, unsigned* arrived,
                                        const U* source, const i64* order, i64 order_stride, i64 size, const T* shift,
                                        const T* factor, S* x, i64 x_stride, i64 inputs, const Y* taught,
                                        i64 taught_stride, O* y, i64 y_stride, i64 pitch, i64 units, i64 samples,
                                        i64 replicas, const T* weights, i64 weights_stride, T* w, i64 w_stride,
                                        const u64* seeds, i64 tall, i64 wide) {
    const i64 first = (counters[1] + 1) * size;
    FOR_REPLICAS(r) {
        const i64* const places = order + r * order_stride + first;
        {
            const i64 rows = samples, columns = inputs;
            FOR_ROWS(row) FOR_COLUMNS(c) {
#ifdef MOVES
                Pack<U> pack;
                pack.at[0] = changed(source + places[row] * columns, c, tall, wide, places[row],
                                     (unsigned)counters[0] + 1, seeds[r]);
#else
                const Pack<U> pack = load(source + places[row] * columns + c);
#endif
                Pack<S> to;
                FOR_PACK(v)
                    to.at[v] = shift ? ((T)pack.at[v] - shift[c + v]) * factor[c + v] : (T)pack.at[v];
                store(x + r * x_stride + row * columns + c, to);
            }
        }
        if (weights) {
            const i64 rows = samples;
            FOR_ROWS(row) if (blockIdx.x == 0)
                for (int place = threadIdx.x; place < PLACES; place += blockDim.x)
                    w[r * w_stride + place * rows + row] = weights[r * weights_stride + places[row] * PLACES + place];
        }
        const i64 rows = units, columns = samples;
        FOR_TILES(unit, sample) {
            target_tile(taught + r * taught_stride, places, y + r * y_stride, pitch, unit, sample, rows, columns);
            __syncthreads();
        }
    }
    __syncthreads();
    if (last_of(arrived, gridDim.x * gridDim.y * gridDim.z)) go_on(counters, table, now, width);
}
