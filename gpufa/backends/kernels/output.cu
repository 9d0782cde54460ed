#include "common.cuh"

// The target of output j: that of y, or where y are labels, (R, m), whether it is that.
#if LABELS
#define TARGET(j) ((j) == label ? (T)1 : (T)0)
#else
#define TARGET(j) ys[(j) * m]
#endif

const int SAMPLES = 32, LANES = 8;  // blockDim: LANES threads share a sample's outputs

template <class E>
struct Shared {
    E at[LANES][SAMPLES];
};

__device__ T lane_sum(const Shared<T>& part) {
    T sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += part.at[lane][threadIdx.x];
    return sum;
}

// The largest value of the sample's outputs, and where it stands first, as argmax has it; lane 0 always has one.
__device__ int lane_argmax(const Shared<T>& part, const Shared<int>& where, int units, T& value) {
    int best = where.at[0][threadIdx.x];
    value = part.at[0][threadIdx.x];
    for (int lane = 1; lane < LANES && lane < units; lane++) {
        const T other = part.at[lane][threadIdx.x];
        const int place = where.at[lane][threadIdx.x];
        if (other > value || (other == value && place < best)) value = other, best = place;
    }
    return best;
}

// sums[0, r] += the losses of replica r, sums[1, r] += how many samples it missed, each by its `weight` where that is
// given: by one block, in one order always.
__device__ void tally(const T* value, const bool* missed, const T* weight, double* sums, i64 r, i64 m, i64 replicas) {
    const int THREADS = SAMPLES * LANES, thread = threadIdx.y * SAMPLES + threadIdx.x;
    __shared__ double losses[THREADS], misses[THREADS];
    double loss = 0, miss = 0;
    for (i64 s = thread; s < m; s += THREADS) {
        loss += value[r * m + s];
        miss += weight ? missed[r * m + s] * (double)weight[r * m + s] : missed[r * m + s];
    }
    losses[thread] = loss, misses[thread] = miss;
    for (int half = THREADS / 2; half; half /= 2) {
        __syncthreads();
        if (thread < half) losses[thread] += losses[thread + half], misses[thread] += misses[thread + half];
    }
    if (thread == 0) sums[r] += losses[0], sums[replicas + r] += misses[0];
    __syncthreads();
}

// e = yhat - y, each sample's loss, and whether its largest output is not its largest target; a, y, e: (R, units, m).
// First a += b where that is given; where `sums` is, the last block of a replica adds up its losses and misses. Where
// `weight`, (R, m), is given, e and the loss of a sample are multiplied by its own, and with `weighs_misses` its miss.
extern "C" __global__ void output_error(S* a, const T* b, const O* y, S* e, T* value, bool* missed, double* sums,
                                        unsigned* arrived, i64 a_stride, i64 b_stride, i64 e_stride, int units, i64 m,
                                        i64 replicas, const T* weight, int weighs_misses) {
    __shared__ Shared<T> part, target;
    __shared__ Shared<int> where, wanted;
    const int x = threadIdx.x, lane = threadIdx.y;
    for (i64 r = blockIdx.y; r < replicas; r += gridDim.y) {
        for (i64 first = blockIdx.x * (i64)SAMPLES; first < m; first += gridDim.x * (i64)SAMPLES) {
            const i64 s = first + x;
            const bool inside = s < m;
            S* const as = a + r * a_stride + s;
#if LABELS
            const i64 label = inside ? y[r * m + s] : -1;
#else
            const O* const ys = y + r * units * m + s;
#endif

            T top = 0, most = 0;
            int top_at = lane, most_at = lane;
            for (int j = lane; inside && j < units; j += LANES) {
                if (b) as[j * m] = (T)as[j * m] + b[r * b_stride + j];
                const T aj = as[j * m], yj = TARGET(j);
                if (j == lane || aj > top) top = aj, top_at = j;
                if (j == lane || yj > most) most = yj, most_at = j;
            }
            part.at[lane][x] = top, where.at[lane][x] = top_at;
            target.at[lane][x] = most, wanted.at[lane][x] = most_at;
            __syncthreads();
            top_at = lane_argmax(part, where, units, top);
            most_at = lane_argmax(target, wanted, units, most);
            __syncthreads();
#if NORMALISED
            T share = 0;
            for (int j = lane; inside && j < units; j += LANES) share += exp((T)as[j * m] - top);
            part.at[lane][x] = share;
            __syncthreads();
            const T total = lane_sum(part), log_total = log(total);
            __syncthreads();
#endif
            T loss = 0;
            for (int j = lane; inside && j < units; j += LANES) {
                const T a = as[j * m], y = TARGET(j);
                T yhat, v;
                OUTPUT
                VALUE
                loss += v;
                e[r * e_stride + j * m + s] = weight ? (yhat - y) * weight[r * m + s] : yhat - y;
            }
            part.at[lane][x] = loss;
            __syncthreads();
            if (inside && lane == 0) {
                value[r * m + s] = weight ? lane_sum(part) * weight[r * m + s] : lane_sum(part);
                missed[r * m + s] = top_at != most_at;
            }
            __syncthreads();
        }
        if (sums && last_of(arrived + r, gridDim.x))
            tally(value, missed, weighs_misses ? weight : 0, sums, r, m, replicas);
    }
}
