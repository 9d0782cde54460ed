// Norms over the rows of a matrix, rows x columns.
#include <cmath>
#include <limits>

typedef long L;
enum : L { SIDE_BY_SIDE = 64, PIECE = 4096 };  // sums beside each other, and numbers before they go into a double

// The sum of term(i).
template <typename Term>
static double sum(L n, Term term) {
    double total = 0;
    for (L first = 0; first < n; first += PIECE) {
        const L end = n - first < PIECE ? n : first + PIECE;
        T part[SIDE_BY_SIDE] = {};
        L i = first;
        for (; i + SIDE_BY_SIDE <= end; i += SIDE_BY_SIDE)
            for (L k = 0; k < SIDE_BY_SIDE; k++) part[k] += term(i + k);
        for (L k = 0; i + k < end; k++) part[k] += term(i + k);
        for (L k = 0; k < SIDE_BY_SIDE; k++) total += part[k];
    }
    return total;
}

// z = (x - mean) / sqrt(variance + eps), out = gain * z + shift, by each row's own mean and variance.
extern "C" void norm(const T* x, T* z, T* out, const T* gain, const T* shift, T* mean, T* variance, T* factor,
                     double eps, L columns, L row, L end) {
    for (; row < end; row++) {
        const T *xs = x + row * columns, middle = sum(columns, [=](L i) { return xs[i]; }) / columns;
        T *zs = z + row * columns, *ys = out + row * columns;
        const T spread = sum(columns, [=](L i) { return (xs[i] - middle) * (xs[i] - middle); }) / columns;
        // NaN of an infinite variance: zeros in place of all that varied so much would hide it.
        const T safe = std::fmax(spread + (T)eps, std::numeric_limits<T>::min());
        const T root = std::isfinite(spread) ? 1 / std::sqrt(safe) : std::numeric_limits<T>::quiet_NaN();
        const T g = gain[row], b = shift[row];
        for (L i = 0; i < columns; i++) {
            const T one = (xs[i] - middle) * root;
            zs[i] = one;
            ys[i] = g * one + b;
        }
        mean[row] = middle, variance[row] = spread, factor[row] = root;
    }
}

// out = J^T delta of `norm`: (d - mean(d) - z mean(d z)) * factor, d = gain * delta.
extern "C" void norm_back(const T* delta, const T* z, T* out, const T* gain, const T* factor, L columns, L row,
                          L end) {
    for (; row < end; row++) {
        const T *ds = delta + row * columns, *zs = z + row * columns;
        const T mean = sum(columns, [=](L i) { return ds[i]; }) / columns;
        const T along = sum(columns, [=](L i) { return ds[i] * zs[i]; }) / columns;
        const T scale = gain[row] * factor[row];
        for (L i = 0; i < columns; i++) out[row * columns + i] = (ds[i] - mean - zs[i] * along) * scale;
    }
}

// The same over columns, some of them: stripes of columns side by side, and down all rows three times.
enum : L { STRIPE = 64 };

// sums[k] = the sum of term(row, k) over all rows, for `n` columns of a stripe.
template <typename Term>
static inline void down(double* sums, L rows, L n, Term term) {
    for (L k = 0; k < STRIPE; k++) sums[k] = 0;
    for (L row = 0; row < rows; row++)
        if (n == STRIPE)
            for (L k = 0; k < STRIPE; k++) sums[k] += term(row, k);
        else
            for (L k = 0; k < n; k++) sums[k] += term(row, k);
}

extern "C" void column_norm(const T* x, T* z, T* out, const T* gain, const T* shift, T* mean, T* variance, T* factor,
                            double eps, L rows, L columns, L first, L end) {
    double sums[STRIPE];
    T middle[STRIPE], root[STRIPE];
    for (; first < end; first += STRIPE) {
        const L n = end - first < STRIPE ? end - first : STRIPE;
        const T* const xs = x + first;
        down(sums, rows, n, [=](L row, L k) { return xs[row * columns + k]; });
        for (L k = 0; k < n; k++) middle[k] = sums[k] / rows;
        const T* const from = middle;
        down(sums, rows, n, [=](L row, L k) {
            const T off = xs[row * columns + k] - from[k];
            return off * off;
        });
        for (L k = 0; k < n; k++) {
            const T spread = sums[k] / rows, safe = std::fmax(spread + (T)eps, std::numeric_limits<T>::min());
            root[k] = std::isfinite(spread) ? 1 / std::sqrt(safe) : std::numeric_limits<T>::quiet_NaN();
            mean[first + k] = middle[k], variance[first + k] = spread, factor[first + k] = root[k];
        }
        for (L row = 0; row < rows; row++) {
            const T g = gain[row], b = shift[row], *const own = xs + row * columns;
            T *const zs = z + row * columns + first, *const ys = out + row * columns + first;
            for (L k = 0; k < n; k++) {
                const T one = (own[k] - middle[k]) * root[k];
                zs[k] = one;
                ys[k] = g * one + b;
            }
        }
    }
}

extern "C" void column_norm_back(const T* delta, const T* z, T* out, const T* gain, const T* factor, L rows, L columns,
                                 L first, L end) {
    double sums[STRIPE], products[STRIPE];
    T mean[STRIPE], along[STRIPE];
    for (; first < end; first += STRIPE) {
        const L n = end - first < STRIPE ? end - first : STRIPE;
        const T *const ds = delta + first, *const zs = z + first;
        down(sums, rows, n, [=](L row, L k) { return gain[row] * ds[row * columns + k]; });
        down(products, rows, n, [=](L row, L k) { return gain[row] * ds[row * columns + k] * zs[row * columns + k]; });
        for (L k = 0; k < n; k++) mean[k] = sums[k] / rows, along[k] = products[k] / rows;
        for (L row = 0; row < rows; row++) {
            const T g = gain[row], *const own = ds + row * columns, *const with = zs + row * columns;
            T* const to = out + row * columns + first;
            for (L k = 0; k < n; k++) to[k] = (g * own[k] - mean[k] - with[k] * along[k]) * factor[first + k];
        }
    }
}
