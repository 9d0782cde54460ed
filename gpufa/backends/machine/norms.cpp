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
