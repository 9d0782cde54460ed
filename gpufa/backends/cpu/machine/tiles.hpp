// Products of vectors by rows and columns, number by number of each vector: tiles of A x B sums, kept in registers while
// all is added up.
#if defined(__AVX512F__) || defined(__aarch64__)
enum { A = 6, B = 4 };
#else
enum { A = 3, B = 4 };
#endif

#if defined(__x86_64__)
#define KEEP(v) asm("" : "+v"(v))
#else
#define KEEP(v)
#endif
static inline V kept(const T* p) {
    V v = load(p);
    KEEP(v);
    return v;
}

// One factor of a product: how many vectors it is from row to row, and from one term of a sum to the next.
struct Side {
    const T* at;
    L row, step;
    Side from(L i, L k) const { return {at + (i * row + k * step) * LANES, row, step}; }
};

// out[i, j] = the sum over n terms of a[i] b[j], on top of what is there where `add` says so.
typedef void Tile(Side a, Side b, L n, bool add, T* out, L pitch);
template <int N, int M>
static void tile(Side a, Side b, L n, bool add, T* out, L pitch) {
    V sums[N][M] = {};
    for (L k = 0; k < n; k++) {
        V x[N];
#pragma GCC unroll 8
        for (int i = 0; i < N; i++) x[i] = kept(a.at + i * a.row * LANES);
#pragma GCC unroll 8
        for (int j = 0; j < M; j++) {
            const V y = kept(b.at + j * b.row * LANES);
#pragma GCC unroll 8
            for (int i = 0; i < N; i++) sums[i][j] += x[i] * y;
        }
        a.at += a.step * LANES;
        b.at += b.step * LANES;
    }
#pragma GCC unroll 8
    for (int i = 0; i < N; i++)
#pragma GCC unroll 8
        for (int j = 0; j < M; j++) {
            T* const to = out + (i * pitch + j) * LANES;
            store(to, add ? load(to) + sums[i][j] : sums[i][j]);
        }
}

template <int N>
static Tile* by_columns(L columns) {
    switch (columns) {
        case 1: return tile<N, 1>;
        case 2: return tile<N, 2>;
        case 3: return tile<N, 3>;
        default: return tile<N, B>;
    }
}
static Tile* tile_of(L rows, L columns) {
    switch (rows) {
        case 1: return by_columns<1>(columns);
        case 2: return by_columns<2>(columns);
        case 3: return by_columns<3>(columns);
        case 4: return by_columns<std::min(4, +A)>(columns);
        case 5: return by_columns<std::min(5, +A)>(columns);
        default: return by_columns<A>(columns);
    }
}

// What a product is of some of its rows: so many columns, and the terms first .. end - 1.
struct Terms {
    L columns, first, end;
};
template <typename Of>
static void product(Side a, Side b, L rows, Of of, bool add, T* out, L pitch) {
    for (L i = 0; i < rows; i += A) {
        const L height = std::min<L>(A, rows - i);
        const Terms terms = of(i, height);
        for (L j = 0; j < terms.columns; j += B)
            tile_of(height, std::min<L>(B, terms.columns - j))(a.from(i, terms.first), b.from(j, terms.first),
                                                              terms.end - terms.first, add, out + (i * pitch + j) * LANES,
                                                              pitch);
    }
}
