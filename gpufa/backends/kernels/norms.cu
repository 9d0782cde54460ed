#include "common.cuh"

// Norms of x, (replicas, rows, columns), over each row, or over each column. What there is one of for each mean lies
// row_step and column_step from one to the next, 0 where one is for all. A gain and a shift are a row's own. Sums are in
// double whatever T is.

// Of x or, with z, of d = x: the mean and the variance, or the means of d and d * z.
static __device__ void conclude(double sum, double other, double base, double n, bool moments, T* first, T* second) {
    const double mean = sum / n, off = moments ? mean * mean : 0, left = other / n - off;
    *first = base + mean;
    *second = moments && left < 0 ? 0 : left;
}

// Over rows: gridDim.x blocks share each, and the last of them adds up `parts`, in one order always.
extern "C" __global__ void row_norm_sums(const T* x, i64 x_stride, const T* z, i64 z_stride, const T* gain,
                                         i64 gain_stride, T* first, T* second, double* parts, unsigned* arrived,
                                         i64 rows, i64 columns, i64 replicas) {
    __shared__ double sums[THREADS], others[THREADS];
    FOR_REPLICAS(r) for (i64 row = blockIdx.y; row < rows; row += gridDim.y) {
        const T *const from = x + r * x_stride + row * columns, *const by = z + r * z_stride + row * columns;
        const double base = z ? 0 : (double)from[0];  // so that squares of what lies far from 0 keep their digits
        const i64 at = r * rows + row;
        double sum = 0, other = 0;
        FOR_COLUMNS(c) {
            const Pack<T> own = load(from + c);
            Pack<T> with = {};
            if (z) with = load(by + c);
            FOR_PACK(v) {
                const double d = (double)own.at[v] - base;
                sum += d, other += d * (z ? (double)with.at[v] : d);
            }
        }
        sums[threadIdx.x] = sum, others[threadIdx.x] = other;
        for (int half = THREADS / 2; half; half /= 2) {
            __syncthreads();
            if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
            if (threadIdx.x < half) others[threadIdx.x] += others[threadIdx.x + half];
        }
        if (threadIdx.x == 0) {
            parts[(at * gridDim.x + blockIdx.x) * 2] = sums[0];
            parts[(at * gridDim.x + blockIdx.x) * 2 + 1] = others[0];
        }
        if (last_of(arrived + at, gridDim.x) && threadIdx.x == 0) {
            const double g = gain ? (double)gain[r * gain_stride + row] : 1.0;
            sum = other = 0;
            for (i64 i = at * gridDim.x; i < (at + 1) * gridDim.x; i++) sum += parts[2 * i], other += parts[2 * i + 1];
            conclude(g * sum, g * other, base, columns, !z, first + at, second + at);
        }
        __syncthreads();
    }
}

// Over columns: threads of a block go along samples, and share the rows of each.
extern "C" __global__ void column_norm_sums(const T* x, i64 x_stride, const T* z, i64 z_stride, const T* gain,
                                            i64 gain_stride, T* first, T* second, i64 rows, i64 columns,
                                            i64 replicas) {
    const int SAMPLES = 32, LANES = 32;
    __shared__ double sums[SAMPLES][LANES + 1], others[SAMPLES][LANES + 1];
    FOR_REPLICAS(r) for (i64 block = blockIdx.x * (i64)SAMPLES; block < columns; block += gridDim.x * (i64)SAMPLES) {
        const i64 c = block + threadIdx.x, last = c < columns ? rows : 0;
        const T *const from = x + r * x_stride + c, *const by = z + r * z_stride + c;
        const double base = z || !last ? 0 : (double)from[0];
        double sum = 0, other = 0;
        for (i64 row = threadIdx.y; row < last; row += LANES) {
            const double g = gain ? (double)gain[r * gain_stride + row] : 1.0;
            const double d = g * ((double)from[row * columns] - base);
            sum += d, other += d * (z ? (double)by[row * columns] : d);
        }
        sums[threadIdx.x][threadIdx.y] = sum, others[threadIdx.x][threadIdx.y] = other;
        __syncthreads();
        if (threadIdx.y == 0 && last) {
            for (int i = 1; i < LANES; i++) sum += sums[threadIdx.x][i], other += others[threadIdx.x][i];
            conclude(sum, other, base, rows, !z, first + r * columns + c, second + r * columns + c);
        }
        __syncthreads();
    }
}

// factor = 1 / sqrt(variance + eps), z = (x - mean) * factor, out = gain * z + shift; without a mean it is off x
// already. Of an infinite variance all are NaN.
extern "C" __global__ void norm_up(const T* x, i64 x_stride, const T* mean, i64 mean_stride, const T* variance,
                                   i64 variance_stride, T* factor, i64 factor_stride, const T* gain, i64 gain_stride,
                                   const T* shift, i64 shift_stride, T* z, i64 z_stride, T* out, i64 out_stride,
                                   double eps, double tiny, i64 row_step, i64 column_step, i64 rows, i64 columns,
                                   i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) {
        const T g = gain[r * gain_stride + row], b = shift[r * shift_stride + row];
        FOR_COLUMNS(c) {
            const i64 at = row * columns + c;
            Pack<T> own = load(x + r * x_stride + at), made;
            FOR_PACK(v) {
                const i64 moment = row * row_step + (c + v) * column_step;
                const T varies = variance[r * variance_stride + moment], wide = varies - varies + (varies + (T)eps);
                const T f = (T)1 / sqrt(wide < (T)tiny ? (T)tiny : wide);
                own.at[v] = (mean ? own.at[v] - mean[r * mean_stride + moment] : own.at[v]) * f;
                made.at[v] = g * own.at[v] + b;
                if ((row_step || row == 0) && (column_step || c + v == 0)) factor[r * factor_stride + moment] = f;
            }
            store(z + r * z_stride + at, own);
            store(out + r * out_stride + at, made);
        }
    }
}

// out = (gain * delta - mean - z * along) * factor; the means lie as factor does.
extern "C" __global__ void norm_down(const T* delta, i64 delta_stride, const T* z, i64 z_stride, const T* gain,
                                     i64 gain_stride, const T* mean, const T* along, const T* factor,
                                     i64 factor_stride, T* out, i64 out_stride, i64 row_step, i64 column_step,
                                     i64 rows, i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) {
        const T g = gain[r * gain_stride + row];
        FOR_COLUMNS(c) {
            const i64 at = row * columns + c;
            Pack<T> d = load(delta + r * delta_stride + at);
            const Pack<T> own = load(z + r * z_stride + at);
            FOR_PACK(v) {
                const i64 moment = r * factor_stride + row * row_step + (c + v) * column_step;
                const T left = g * d.at[v];
                d.at[v] = (left - mean[moment] - own.at[v] * along[moment]) * factor[moment];
            }
            store(out + r * out_stride + at, d);
        }
    }
}

// running += momentum * (times * found - running), (replicas, rows) each.
extern "C" __global__ void follow(T* running, i64 running_stride, const T* found, i64 found_stride, double momentum,
                                  double times, i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_COLUMNS(c) {
        T* const to = running + r * running_stride + c;
        *to = (T)(1 - momentum) * *to + (T)(momentum * times) * found[r * found_stride + c];
    }
}
