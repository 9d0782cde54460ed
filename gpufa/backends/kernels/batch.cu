#include "common.cuh"

// The first place in an order of samples that belongs to the batch.
__device__ i64 first_of(const i64* batch, i64 size) { return batch ? *batch * size : 0; }

// out[r, row] = (source[order[r, first + row]] - shift) * factor, (replicas, rows, columns); U is the source's type.
extern "C" __global__ void gather(const U* source, const i64* order, i64 order_stride, const i64* batch, i64 size,
                                  const T* shift, const T* factor, S* out, i64 out_stride, i64 rows, i64 columns,
                                  i64 replicas) {
    const i64 first = first_of(batch, size);
    FOR_REPLICAS(r) FOR_ROWS(row) {
        const U* const from = source + order[r * order_stride + first + row] * columns;
        FOR_COLUMNS(c) {
            const Pack<U> pack = load(from + c);
            Pack<S> x;
            FOR_PACK(v)
                x.at[v] = shift ? ((T)pack.at[v] - shift[c + v]) * factor[c + v] : (T)pack.at[v];
            store(out + r * out_stride + row * columns + c, x);
        }
    }
}

// out[r, unit, sample] = whether that is the sample's label; `pitch` from unit to unit. Without an order, in place.
extern "C" __global__ void one_hot(const i64* labels, i64 labels_stride, const i64* order, i64 order_stride,
                                   const i64* batch, i64 size, S* out, i64 out_stride, i64 pitch, i64 rows, i64 columns,
                                   i64 replicas) {
    const i64 first = first_of(batch, size);
    FOR_REPLICAS(r) FOR_ROWS(row) FOR_COLUMNS(c) {
        const i64 sample = order ? order[r * order_stride + first + c] : c;
        out[r * out_stride + row * pitch + c] = labels[r * labels_stride + sample] == row ? (T)1 : (T)0;
    }
}

// The same for targets (samples, units).
extern "C" __global__ void transpose(const T* targets, const i64* order, i64 order_stride, const i64* batch, i64 size,
                                     S* out, i64 out_stride, i64 pitch, i64 rows, i64 columns, i64 replicas) {
    const i64 first = first_of(batch, size);
    FOR_REPLICAS(r) FOR_ROWS(row) FOR_COLUMNS(c) {
        const i64 sample = order ? order[r * order_stride + first + c] : c;
        out[r * out_stride + row * pitch + c] = targets[sample * rows + row];
    }
}

// counters = (step, batch): both go on by one, and `now` becomes the batch's row of the table. One block.
extern "C" __global__ void tick(i64* counters, const T* table, T* now, int width) {
    const i64 batch = counters[1] + 1;
    for (int i = threadIdx.x; i < width; i += blockDim.x) now[i] = table[batch * width + i];
    __syncthreads();
    if (threadIdx.x == 0) counters[0]++, counters[1]++;
}
