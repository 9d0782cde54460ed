// Pools of maps (channels, rows, columns, m), all channels of all replicas one behind the other.
#include <cstring>

typedef long L;
struct Pools {
    L maps, rows, columns, out_rows, out_columns, m, high, wide, down, across;
};
enum : L { LANES = 64 };  // samples at a time

// Calls does(at, lanes) of some samples of each window, of one part of the maps, row by row, and first begins(map); `at`
// has where the window begins in x, and where it stands in y.
template <typename Begins, typename Does>
static void each_window(const Pools& p, L part, L parts, Begins begins, Does does) {
    for (L map = p.maps * part / parts; map < p.maps * (part + 1) / parts; map++) {
        begins(map);
        for (L i = 0; i < p.out_rows; i++)
            for (L j = 0; j < p.out_columns; j++)
                for (L s = 0; s < p.m; s += LANES) {
                    const L x = ((map * p.rows + i * p.down) * p.columns + j * p.across) * p.m + s;
                    const L y = ((map * p.out_rows + i) * p.out_columns + j) * p.m + s;
                    does(x, y, p.m - s < LANES ? p.m - s : LANES);
                }
    }
}

// y = the largest of each window of x.
extern "C" void max_pool(const Pools* pools, const T* x, T* y, L part, L parts) {
    const Pools& p = *pools;
    each_window(p, part, parts, [](L) {}, [&](L corner, L to, L lanes) {
        T most[LANES];
        memcpy(most, x + corner, lanes * sizeof(T));
        for (L i = 0; i < p.high; i++)
            for (L j = 0; j < p.wide; j++) {
                const T* const seen = x + corner + (i * p.columns + j) * p.m;
                for (L k = 0; k < lanes; k++) most[k] = seen[k] > most[k] || seen[k] != seen[k] ? seen[k] : most[k];
            }
        memcpy(y + to, most, lanes * sizeof(T));
    });
}

// out = each window's delta at the first of its largest, row by row; y is the largest of each window of x.
extern "C" void max_unpool(const Pools* pools, const T* x, const T* y, const T* delta, T* out, L part, L parts) {
    const Pools& p = *pools;
    const L size = p.rows * p.columns * p.m;
    const auto clear = [&](L map) { memset(out + map * size, 0, size * sizeof(T)); };
    each_window(p, part, parts, clear, [&](L corner, L from, L lanes) {
        T wanted[LANES];  // what is left of delta where the largest was not met yet
        memcpy(wanted, delta + from, lanes * sizeof(T));
        for (L i = 0; i < p.high; i++)
            for (L j = 0; j < p.wide; j++) {
                const L at = corner + (i * p.columns + j) * p.m;
                for (L k = 0; k < lanes; k++) {
                    const bool hit = x[at + k] == y[from + k];
                    out[at + k] += hit ? wanted[k] : 0;
                    wanted[k] = hit ? 0 : wanted[k];
                }
            }
    });
}
