// What a processor can do at most: multiplications and additions of float32 in registers, in as many chains as hide how
// long one takes.
#if defined(__AVX512F__)
enum { BYTES = 64, CHAINS = 24 };
#elif defined(__AVX__)
enum { BYTES = 32, CHAINS = 12 };
#else
enum { BYTES = 16, CHAINS = 24 };
#endif
enum { LANES = BYTES / sizeof(float) };
typedef float V __attribute__((vector_size(BYTES)));

// Runs `rounds` of them, and says how many operations that were.
extern "C" double multiply_and_add(long rounds) {
    V sums[CHAINS], by = 1.0000001f - V{}, plus = 1e-9f - V{};
#pragma GCC unroll 32
    for (int i = 0; i < CHAINS; i++) sums[i] = float(i) - V{};
    asm volatile("" : "+m"(by), "+m"(plus));
    for (long k = 0; k < rounds; k++) {
#pragma GCC unroll 32
        for (int i = 0; i < CHAINS; i++) {
            sums[i] = sums[i] * by + plus;
#if defined(__x86_64__)
            asm volatile("" : "+v"(sums[i]));
#endif
        }
    }
    V all = sums[0];
#pragma GCC unroll 32
    for (int i = 1; i < CHAINS; i++) all += sums[i];
    asm volatile("" : : "m"(all));
    return 2.0 * CHAINS * LANES * rounds;
}
