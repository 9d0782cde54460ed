#include "common.cuh"

// out[r, n, c] = W[r, token of c, n], (replicas, tokens, rows) to (replicas, rows, columns).
extern "C" __global__ void look_up(const T* W, i64 W_stride, const T* tokens, i64 tokens_stride, T* out,
                                   i64 out_stride, i64 rows, i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) FOR_COLUMNS(c)
        out[r * out_stride + row * columns + c] = W[r * W_stride + (i64)tokens[r * tokens_stride + c] * rows + row];
}

// next[r, c]: the next place with the token of c, `columns` where there is none; below 0 where there is one before.
extern "C" __global__ void link_tokens(const T* tokens, i64 tokens_stride, i64* next, i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_COLUMNS(c) {
        const T* const own = tokens + r * tokens_stride;
        i64 behind = c + 1, before = c - 1;
        while (behind < columns && own[behind] != own[c]) behind++;
        while (before >= 0 && own[before] != own[c]) before--;
        next[r * columns + c] = before < 0 ? behind : -behind;
    }
}

// out[r, token - first, n] += factor * (the sum of delta[r, n] over the places of the token), which goes along the links
// from the first of them, in double.
extern "C" __global__ void add_look_ups(const T* delta, i64 delta_stride, const T* tokens, i64 tokens_stride,
                                        const i64* next, i64 next_stride, T* out, i64 out_stride, i64 out_token,
                                        i64 out_row, const T* alpha, double scale, i64 first, i64 last, i64 rows,
                                        i64 columns, i64 replicas) {
    const double factor = (alpha ? (double)*alpha : 1.0) * scale;
    FOR_REPLICAS(r) FOR_ROWS(row) FOR_COLUMNS(c) {
        const i64* const links = next + r * next_stride;
        const i64 token = (i64)tokens[r * tokens_stride + c];
        if (links[c] < 0 || token < first || token >= last) continue;
        const T* const own = delta + r * delta_stride + row * columns;
        double sum = 0;
        for (i64 at = c; at < columns; at = links[at] < 0 ? -links[at] : links[at]) sum += (double)own[at];
        out[r * out_stride + (token - first) * out_token + row * out_row] += (T)(factor * sum);
    }
}

// out = x turned over: (replicas, rows, columns) to (replicas, columns, rows), a pitch from row to row of either.
extern "C" __global__ void turn(const T* x, i64 x_stride, i64 x_pitch, T* out, i64 out_stride, i64 out_pitch, i64 rows,
                                i64 columns, i64 replicas) {
    const int TILE = 32;
    __shared__ T tile[TILE][TILE + 1];
    FOR_REPLICAS(r) for (i64 row = blockIdx.y * (i64)TILE; row < rows; row += gridDim.y * (i64)TILE)
        for (i64 column = blockIdx.x * (i64)TILE; column < columns; column += gridDim.x * (i64)TILE) {
            for (int i = threadIdx.y * blockDim.x + threadIdx.x; i < TILE * TILE; i += blockDim.x * blockDim.y) {
                const i64 y = row + i / TILE, z = column + i % TILE;
                if (y < rows && z < columns) tile[i / TILE][i % TILE] = x[r * x_stride + y * x_pitch + z];
            }
            __syncthreads();
            for (int i = threadIdx.y * blockDim.x + threadIdx.x; i < TILE * TILE; i += blockDim.x * blockDim.y) {
                const i64 z = column + i / TILE, y = row + i % TILE;
                if (y < rows && z < columns) out[r * out_stride + z * out_pitch + y] = tile[i % TILE][i / TILE];
            }
            __syncthreads();
        }
}

// A warp for each row of scores, (replicas, samples, heads, tokens, tokens), which become weights: e^s over their sum,
// of the tokens that are seen; counted is (replicas, tokens, samples).
extern "C" __global__ void soften(T* weights, const T* counted, i64 counted_stride, int causal, double least,
                                  double tiny, i64 heads, i64 samples, i64 tokens, i64 rows, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) {
        T* const own = weights + (r * rows + row) * tokens;
        const T* const count = counted ? counted + r * counted_stride + row / (heads * tokens) : 0;
        const i64 end = causal ? row % tokens + 1 : tokens;
        T most = (T)least, sum = 0;
        for (i64 c = threadIdx.x; c < end; c += 32)
            if (!count || count[c * samples] != 0) most = own[c] > most ? own[c] : most;
        for (int far = 16; far; far /= 2) {
            const T other = __shfl_xor_sync(0xffffffffu, most, far);
            most = other > most ? other : most;
        }
        for (i64 c = threadIdx.x; c < tokens; c += 32) {
            const bool seen = c < end && (!count || count[c * samples] != 0);
            own[c] = seen ? exp(own[c] - most) : (T)0;
            sum += own[c];
        }
        for (int far = 16; far; far /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, far);
        sum = sum < (T)tiny ? (T)tiny : sum;
        for (i64 c = threadIdx.x; c < tokens; c += 32) own[c] /= sum;
    }
}

// delta = factor * weights * (delta - the row's sum of weights * delta), a warp for each row.
extern "C" __global__ void soften_back(const T* weights, T* delta, double factor, i64 tokens, i64 rows, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) {
        const T* const w = weights + (r * rows + row) * tokens;
        T* const d = delta + (r * rows + row) * tokens;
        T sum = 0;
        for (i64 c = threadIdx.x; c < tokens; c += 32) sum += w[c] * d[c];
        for (int far = 16; far; far /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, far);
        for (i64 c = threadIdx.x; c < tokens; c += 32) d[c] = (T)factor * (w[c] * (d[c] - sum));
    }
}
