// Correlation of maps (channels, rows, columns, m) with filters, and the filters' gradient. m, the samples, lie side by
// side in memory, so vectors run over samples and a weight is one number: no columns are made.
//
// A tile is OB x VB vectors of LANES samples, or GO x GT in the gradient, kept in registers while all is added up. What
// is read often is copied first, so that tiles read it in order.
#include <vector>

#if defined(__AVX512F__)
enum { OB = 6, VB = 4, GO = 4, GT = 6 };
#elif defined(__AVX__)
enum { OB = 6, VB = 2, GO = 2, GT = 6 };
#elif defined(__aarch64__)
enum { OB = 6, VB = 4, GO = 4, GT = 6 };
#else
enum { OB = 6, VB = 2, GO = 2, GT = 6 };
#endif
enum { WIDE = VB * LANES, SLOT = (GO * GT + LANES - 1) / LANES * LANES };
enum : L { WINDOW = 32 << 10, NEAR = 40 << 10, STRIP = 256 << 10, RING = 512 << 10 };  // bytes
enum : L { CHUNK = 128, BESIDE = 16 };                                                 // vectors

// One number of the geometry after the other, as Python hands them over.
struct Geometry {
    L channels, rows, columns, filters, out_rows, out_columns, m;
    L high, wide, down, across, apart, aside, above, left;  // kernel, stride, dilation, zeros before
};

// Which taps of a window that begins at `start` fall on 0 .. size-1, and where the first does.
struct Taps {
    L first, count, at;
};
static Taps taps(L start, L size, L kernel, L apart) {
    const L first = start < 0 ? up(-start, apart) : 0;
    const L end = std::min(kernel, size > start ? up(size - start, apart) : 0);
    return {first, std::max(0L, end - first), start + first * apart};
}

// `lanes` samples by vectors, the last of which ends with them, or zeros behind fewer than a vector.
static inline void copy_lanes(const T* from, T* to, L vectors, L lanes) {
    if (lanes == WIDE)
        for (int v = 0; v < VB; v++) store(to + v * LANES, load(from + v * LANES));
    else if (lanes >= LANES)
        for (L v = 0; v < vectors; v++) store(to + v * LANES, load(from + std::min(v * LANES, lanes - LANES)));
    else {
        memcpy(to, from, lanes * sizeof(T));
        memset(to + lanes, 0, (LANES - lanes) * sizeof(T));
    }
}

// Vectors of samples, `vector` apart, zeros where they end.
static inline void copy_apart(const T* from, T* to, L vector, L lanes) {
    for (; lanes >= LANES; lanes -= LANES, from += LANES, to += vector) store(to, load(from));
    if (lanes > 0) {
        V rest{};
        memcpy(&rest, from, lanes * sizeof(T));
        store(to, rest);
    }
}

#if defined(__has_builtin) && __has_builtin(__builtin_shufflevector)
template <int... I>
struct Order {};
template <int N, int... I>
struct Count : Count<N - 1, N - 1, I...> {};
template <int... I>
struct Count<0, I...> {
    typedef Order<I...> All;
};
template <int... I>
static inline V pairs(V a, V b, Order<I...>) {
    return __builtin_shufflevector(a, b, (2 * I)...) + __builtin_shufflevector(a, b, (2 * I + 1)...);
}
static inline V pairs(V a, V b) { return pairs(a, b, Count<LANES>::All{}); }
#else
static inline V pairs(V a, V b) {
    V out;
    for (int i = 0; i < LANES / 2; i++) {
        out[i] = a[2 * i] + a[2 * i + 1];
        out[LANES / 2 + i] = b[2 * i] + b[2 * i + 1];
    }
    return out;
}
#endif

// A vector of the sums over the lanes of each of `n` vectors.
template <int N>
static inline V sums(const V* a, int n) {
    if constexpr (N == 1)
        return n > 0 ? a[0] : V{};
    else
        return n > 0 ? pairs(sums<N / 2>(a, n), sums<N / 2>(a + N / 2, n - N / 2)) : V{};
}
