// Pools of maps (channels, rows, columns, m), all channels of all replicas one behind the other.
#include <cstring>

typedef long L;
struct Pools {
    L maps, rows, columns, out_rows, out_columns, m, high, wide, down, across;
};

// out = each window's delta at the first of its largest, row by row; y is the largest of each window of x.
extern "C" void max_unpool(const Pools* pools, const T* x, const T* y, const T* delta, T* out) {
    const Pools& p = *pools;
    enum : L { LANES = 64 };
    memset(out, 0, p.maps * p.rows * p.columns * p.m * sizeof(T));
    for (L window = 0; window < p.maps * p.out_rows * p.out_columns; window++, y += p.m, delta += p.m) {
        const L map = window / (p.out_rows * p.out_columns), place = window % (p.out_rows * p.out_columns);
        const L corner = (map * p.rows + place / p.out_columns * p.down) * p.columns + place % p.out_columns * p.across;
        for (L s = 0; s < p.m; s += LANES) {
            const L lanes = p.m - s < LANES ? p.m - s : LANES;
            T wanted[LANES];  // what is left of delta where the largest was not met yet
            memcpy(wanted, delta + s, lanes * sizeof(T));
            for (L i = 0; i < p.high; i++)
                for (L j = 0; j < p.wide; j++) {
                    const L at = (corner + i * p.columns + j) * p.m + s;
                    for (L k = 0; k < lanes; k++) {
                        const bool hit = x[at + k] == y[s + k];
                        out[at + k] += hit ? wanted[k] : 0;
                        wanted[k] = hit ? 0 : wanted[k];
                    }
                }
        }
    }
}
