#include "common.cuh"

// Windows of high x wide places, apart and aside from one to the next, begin every `down` and `across` places in maps
// (height, width, m), which have `above` and `left` zeros before them; `over` windows lie across, `under` down. What
// comes of several places or windows is taken in the order of the kernel's places.

// Each window w, first <= w <= last, that sees a place (counted from the zeros on) as the tap of its kernel, backwards.
#define FOR_WINDOWS(w, tap, place, first, last, step, taps, apart)                                                   \
    for (i64 w = least((place) / step, last), tap; w >= first && (place) - w * step <= (taps - 1) * apart; w--) \
        if (tap = ((place) - w * step) / apart, tap * apart == (place) - w * step)

static __device__ i64 least(i64 a, i64 b) { return a < b ? a : b; }

// out = what rows of windows see from `first` on, (replicas, rows = channels * high * wide, columns = places * m).
extern "C" __global__ void columns(const T* x, i64 x_stride, T* out, i64 first, i64 height, i64 width, i64 high,
                                   i64 wide, i64 down, i64 across, i64 apart, i64 aside, i64 above, i64 left, i64 over,
                                   i64 m, i64 rows, i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) {
        const i64 tap = row % (high * wide), i = tap / wide * apart - above, j = tap % wide * aside - left;
        const T* const map = x + r * x_stride + row / (high * wide) * height * width * m;
        T* const to = out + (r * rows + row) * columns;
        FOR_COLUMNS(c) {
            const i64 window = c / m, y = (window / over + first) * down + i, z = window % over * across + j;
            Pack<T> seen = {};
            if (y >= 0 && y < height && z >= 0 && z < width) seen = load(map + (y * width + z) * m + c % m);
            store(to + c, seen);
        }
    }
}

// out = factor * the sum of all columns that see a place, or that added to out, (replicas, rows = channels, columns =
// height * width * m); columns lie so far from one to the next along each axis, and there are those of windows first ..
// last down.
extern "C" __global__ void add_columns(const T* from, i64 r_step, i64 map_step, i64 i_step, i64 j_step, i64 y_step,
                                       i64 z_step, T* out, i64 out_stride, double factor, int more, i64 first,
                                       i64 last, i64 height, i64 width, i64 high, i64 wide, i64 down, i64 across,
                                       i64 apart, i64 aside, i64 above, i64 left, i64 over, i64 m, i64 rows,
                                       i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) FOR_COLUMNS(c) {
        const i64 place = c / m, y = place / width + above, z = place % width + left;
        const T* const seen = from + r * r_step + row * map_step + c % m;
        T* const to = out + r * out_stride + row * columns + c;
        Pack<T> sum = {};
        if (more) sum = load(to);
        FOR_WINDOWS(w, i, y, first, last, down, high, apart) FOR_WINDOWS(v, j, z, 0, over - 1, across, wide, aside) {
            const Pack<T> pack = load(seen + i * i_step + j * j_step + (w - first) * y_step + v * z_step);
            FOR_PACK(k) sum.at[k] += (T)factor * pack.at[k];
        }
        store(to, sum);
    }
}

// out = factor * the sum of what each window sees, (replicas, rows = channels, columns = windows * m).
extern "C" __global__ void sum_windows(const T* x, i64 x_stride, T* out, i64 out_stride, double factor, i64 height,
                                       i64 width, i64 high, i64 wide, i64 down, i64 across, i64 apart, i64 aside,
                                       i64 above, i64 left, i64 over, i64 m, i64 rows, i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) FOR_COLUMNS(c) {
        const i64 window = c / m, top = window / over * down - above, side = window % over * across - left;
        const T* const map = x + r * x_stride + row * height * width * m + c % m;
        Pack<T> sum = {};
        for (i64 y = top; y < top + high * apart; y += apart) {
            if (y < 0 || y >= height) continue;
            for (i64 z = side; z < side + wide * aside; z += aside) {
                if (z < 0 || z >= width) continue;
                const Pack<T> pack = load(map + (y * width + z) * m);
                FOR_PACK(k) sum.at[k] += pack.at[k];
            }
        }
        FOR_PACK(k) sum.at[k] *= (T)factor;
        store(out + r * out_stride + row * columns + c, sum);
    }
}

// out = the largest that each window sees, as `sum_windows`; what is no number is larger than all else.
extern "C" __global__ void max_windows(const T* x, i64 x_stride, T* out, i64 out_stride, i64 height, i64 width,
                                       i64 high, i64 wide, i64 down, i64 across, i64 over, i64 m, i64 rows,
                                       i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) FOR_COLUMNS(c) {
        const i64 window = c / m, top = window / over * down, side = window % over * across;
        const T* const seen = x + r * x_stride + ((row * height + top) * width + side) * m + c % m;
        Pack<T> most = load(seen);
        for (i64 tap = 1; tap < high * wide; tap++) {
            const Pack<T> pack = load(seen + (tap / wide * width + tap % wide) * m);
            FOR_PACK(k) if (pack.at[k] > most.at[k] || pack.at[k] != pack.at[k]) most.at[k] = pack.at[k];
        }
        store(out + r * out_stride + row * columns + c, most);
    }
}

// out = the sum of the deltas of all windows of which a place is the first of the largest, y being those.
extern "C" __global__ void max_places(const T* delta, i64 delta_stride, const T* x, i64 x_stride, const T* largest,
                                      i64 y_stride, T* out, i64 out_stride, i64 height, i64 width, i64 high, i64 wide,
                                      i64 down, i64 across, i64 under, i64 over, i64 m, i64 rows, i64 columns,
                                      i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) FOR_COLUMNS(c) {
        const i64 place = c / m, s = c % m, y = place / width, z = place % width;
        const T* const map = x + r * x_stride + row * columns + s;
        const Pack<T> own = load(map + place * m);
        Pack<T> sum = {};
        FOR_WINDOWS(w, i, y, 0, under - 1, down, high, 1) FOR_WINDOWS(v, j, z, 0, over - 1, across, wide, 1) {
            const i64 window = (row * under + w) * over + v;
            const Pack<T> most = load(largest + r * y_stride + window * m + s);
            bool first[V], any = false;
            FOR_PACK(k) any |= first[k] = own.at[k] == most.at[k];
            for (i64 tap = 0; any && tap < i * wide + j; tap++) {
                const i64 before = (w * down + tap / wide) * width + v * across + tap % wide;
                const Pack<T> pack = load(map + before * m);
                FOR_PACK(k) first[k] = first[k] && pack.at[k] != most.at[k];
            }
            if (!any) continue;
            const Pack<T> signal = load(delta + r * delta_stride + window * m + s);
            FOR_PACK(k) if (first[k]) sum.at[k] += signal.at[k];
        }
        store(out + r * out_stride + row * columns + c, sum);
    }
}
