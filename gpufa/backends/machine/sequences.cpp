// What attention does beside products, over rows of scores, and rows of a table that are looked up.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

typedef long L;
enum : L { SIDE_BY_SIDE = 16, TILE = 32 };  // sums beside each other; the side of what is turned over at a time

// The sum of term(i).
template <typename Term>
static inline T sum(L n, Term term) {
    T part[SIDE_BY_SIDE] = {}, total = 0;
    L i = 0;
    for (; i + SIDE_BY_SIDE <= n; i += SIDE_BY_SIDE)
        for (L k = 0; k < SIDE_BY_SIDE; k++) part[k] += term(i + k);
    for (L k = 0; i + k < n; k++) part[k] += term(i + k);
    for (L k = 0; k < SIDE_BY_SIDE; k++) total += part[k];
    return total;
}

static inline double power(double x) { return std::exp(x); }

// e^x of x up to 0, to two units in the last place, in steps that compilers make vectors of (Cephes' expf); NaN stays.
static inline float power(float x) {
    const float least = -87.0f, low = x > least ? x : least;
    const int n = (int)(low * 1.44269504f - 0.5f);
    const float r = low - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    const int bits = (n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    const float found = x < least ? 0.0f : p * scale;
    return x != x ? x : found;
}

// Rows of scores become weights: e^s over their sum, of the tokens that are seen. Of each sample, `each` rows, `counted`
// has 1 where a token counts, else 0; none is handed over where all do.
extern "C" void soften(T* weights, const T* counted, L each, L causal, L tokens, L row, L end) {
    for (; row < end; row++) {
        T* const own = weights + row * tokens;
        const T* const count = counted ? counted + row / each * tokens : nullptr;
        const L seen = causal ? row % tokens + 1 : tokens;
        if (count)
            for (L i = 0; i < seen; i++) own[i] = count[i] != 0 ? own[i] : -std::numeric_limits<T>::infinity();
        T part[SIDE_BY_SIDE], most = std::numeric_limits<T>::lowest();
        std::fill(part, part + SIDE_BY_SIDE, most);
        L i = 0;
        for (; i + SIDE_BY_SIDE <= seen; i += SIDE_BY_SIDE)
            for (L k = 0; k < SIDE_BY_SIDE; k++) part[k] = own[i + k] > part[k] ? own[i + k] : part[k];
        for (L k = 0; i + k < seen; k++) part[k] = own[i + k] > part[k] ? own[i + k] : part[k];
        for (L k = 0; k < SIDE_BY_SIDE; k++) most = part[k] > most ? part[k] : most;
        for (i = 0; i < seen; i++) own[i] = power(own[i] - most);
        const T total = sum(seen, [=](L i) { return own[i]; });
        const T share = 1 / (total < std::numeric_limits<T>::min() ? std::numeric_limits<T>::min() : total);
        for (i = 0; i < seen; i++) own[i] *= share;
        std::fill(own + seen, own + tokens, (T)0);
    }
}

// delta = factor * weights * (delta - the row's sum of weights * delta).
extern "C" void soften_back(const T* weights, T* delta, double factor, L tokens, L row, L end) {
    for (; row < end; row++) {
        const T* const w = weights + row * tokens;
        T* const d = delta + row * tokens;
        const T along = sum(tokens, [=](L i) { return w[i] * d[i]; }), times = (T)factor;
        for (L i = 0; i < tokens; i++) d[i] = times * (w[i] * (d[i] - along));
    }
}

// out = x turned over, some of its rows; a pitch is what lies from row to row.
extern "C" void turn(const T* x, T* out, L x_pitch, L out_pitch, L columns, L row, L end) {
    for (L y = row; y < end; y += TILE)
        for (L z = 0; z < columns; z += TILE)
            for (L j = z; j < std::min(z + TILE, columns); j++)
                for (L i = y; i < std::min(y + TILE, end); i++) out[j * out_pitch + i] = x[i * x_pitch + j];
}

// out[token - first, row] += factor * (the sum of delta[row] over the places of the token), place by place, in double.
extern "C" void add_look_ups(const T* delta, const L* tokens, T* out, L out_token, L out_row, double factor, L first,
                             L last, L columns, L row, L end) {
    std::vector<double> sums(last - first);
    for (; row < end; row++) {
        const T* const own = delta + row * columns;
        std::fill(sums.begin(), sums.end(), 0.0);
        for (L i = 0; i < columns; i++)
            if (tokens[i] >= first && tokens[i] < last) sums[tokens[i] - first] += own[i];
        for (L t = 0; t < last - first; t++) out[t * out_token + row * out_row] += (T)(factor * sums[t]);
    }
}
