// Matrices that are turned over, and rows of a table that are looked up.
#include <algorithm>
#include <vector>

typedef long L;
enum : L { TILE = 32 };  // the side of what is turned over at a time

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
