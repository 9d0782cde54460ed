// Tiles of the gradient: sums of delta x over runs.

#if defined(__x86_64__)
#define KEEP(v) asm("" : "+v"(v))  // in a register, where GCC would read it again for each product
#elif defined(__aarch64__)
#define KEEP(v) asm("" : "+w"(v))
#else
#define KEEP(v)
#endif

struct Walk {
    L rows, vectors, d_filter, d_row;
    L x_row, x_first, x_step, x_end;  // rows of x go round in a ring
    const T* ahead;                   // what will be read next
};

typedef void Sum(const T* delta, const T* x, const L* taps, const Walk& walk, T* out);

template <int O, int N>
static void sum(const T* delta, const T* x, const L* taps, const Walk& walk, T* out) {
    V added[O][N] = {};
    const L filter = walk.d_filter, end = walk.vectors * LANES;
    const T* ahead = walk.ahead;
    L tap[N];
    for (int n = 0; n < N; n++) tap[n] = taps[n];
    for (L y = 0, row = walk.x_first; y < walk.rows; y++, row += walk.x_step) {
        row -= row >= walk.x_end ? walk.x_end : 0;
        const T *d = delta + y * walk.d_row, *p = x + row * walk.x_row;
#pragma GCC unroll 2
        for (L k = 0; k < end; k += LANES) {
            V e[O];
            __builtin_prefetch(ahead + k);
#pragma GCC unroll 4
            for (int o = 0; o < O; o++) e[o] = load(d + o * filter + k);
#pragma GCC unroll 6
            for (int n = 0; n < N; n++) {
                V seen = load(p + tap[n] + k);
                KEEP(seen);
#pragma GCC unroll 4
                for (int o = 0; o < O; o++) added[o][n] += e[o] * seen;
            }
        }
        ahead += walk.d_row;
    }
    const int n = O * N;
#pragma GCC unroll 8
    for (int k = 0; k < n; k += LANES) store(out + k, load(out + k) + sums<LANES>(&added[0][0] + k, n - k));
}

template <int O>
static Sum* by_taps(L taps) {
    switch (taps) {
        case 1: return sum<O, 1>;
        case 2: return sum<O, 2>;
        case 3: return sum<O, 3>;
        case 4: return sum<O, 4>;
        case 5: return sum<O, 5>;
        default: return sum<O, GT>;
    }
}
static Sum* sum_of(L filters, L taps) {
    switch (filters) {
        case 1: return by_taps<1>(taps);
        case 2: return by_taps<2>(taps);
        case 3: return by_taps<std::min(3, +GO)>(taps);
        default: return by_taps<GO>(taps);
    }
}
