// Vectors of numbers: LANES of them are what the processor adds and multiplies at once.
#include <algorithm>
#include <cstring>

typedef long L;

#if defined(__AVX512F__)
enum { BYTES = 64 };
#elif defined(__AVX__)
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif
enum { LANES = BYTES / sizeof(T) };

typedef T V __attribute__((vector_size(BYTES)));
typedef T Anywhere __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));

static inline V load(const T* p) { return *(const Anywhere*)p; }
static inline void store(T* p, V v) { *(Anywhere*)p = v; }
static inline V all(T x) { return x - V{}; }
static inline L up(L n, L by) { return by == 1 ? n : (n + by - 1) / by; }

// Part `i` of `n` things that are cut in `parts`.
struct Span {
    L first, count;
};
static inline Span part_of(L n, L i, L parts) { return {n * i / parts, n * (i + 1) / parts - n * i / parts}; }
