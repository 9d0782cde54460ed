// Sums over the entries of a sparse matrix by rows, of units (n, nodes) side by side.
typedef long L;
enum : L { BESIDE = 8 };  // units that share the reading of an entry

struct Entries {
    const L *starts, *places;
    const T* values;
};

// out[k, i] = the sum over i's entries of value * x[k, place], in their order, and b[k] on top where that is given.
template <L UNITS>
static void sums(const Entries& by, const T* x, const T* b, T* out, L nodes) {
    for (L i = 0; i < nodes; i++) {
        T sum[UNITS] = {};
        for (L entry = by.starts[i]; entry < by.starts[i + 1]; entry++) {
            const T value = by.values[entry];
            const T* const from = x + by.places[entry];
            for (L k = 0; k < UNITS; k++) sum[k] += value * from[k * nodes];
        }
        for (L k = 0; k < UNITS; k++) out[k * nodes + i] = sum[k] + (b ? b[k] : (T)0);
    }
}

// Units first <= k < last.
extern "C" void neighbours(const L* starts, const L* places, const T* values, const T* x, const T* b, T* out, L nodes,
                           L first, L last) {
    const Entries by = {starts, places, values};
    L k = first;
    for (; k + BESIDE <= last; k += BESIDE) sums<BESIDE>(by, x + k * nodes, b ? b + k : b, out + k * nodes, nodes);
    for (; k < last; k++) sums<1>(by, x + k * nodes, b ? b + k : b, out + k * nodes, nodes);
}
