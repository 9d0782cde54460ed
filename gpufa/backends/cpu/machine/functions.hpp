// Functions in steps that compilers make vectors of, to a few units in the last place; NaN stays.
#include <cstring>

template <typename N>
struct Real;

// The bits of 2^n lie that far up; e^x is 0 below `least`; log 2 is high + low, and high times a small whole number is
// exact. erfc is e^(-x^2) / (1 + 2 x) times a polynomial in (x - 3) / (x + 3), fitted at the roots of Chebyshev's.
// tanh(x) is u / (u + 2), u = e^2x - 1, and 1 from `flat` on.
template <>
struct Real<float> {
    typedef int Bits;
    static constexpr int up = 23, bias = 127, cut = 12;
    static constexpr float least = -104.0f, most = 89.0f, whole = 12582912.0f, log2_e = 1.44269504f, half = 0.5f,
                           high = 0.693359375f, low = -2.12194440e-4f, end = 10.5f, flat = 10.0f;
    static constexpr float erfc[] = {
        1.25300806f,   -0.1356211f,    -0.0475621561f, 0.129644721f,   -0.119275281f,   0.0683131967f,
        -0.0237635597f, 0.00250677867f, 0.00187506025f, -0.00073408205f, -9.25376913e-5f, 8.00745497e-5f,
    };
    static float signed_as(float size, float x) { return __builtin_copysignf(size, x); }
    // e^r - 1, |r| < 0.4 (Cephes' expf)
    template <typename N>
    static N grown(N r) {
        N p = r * 1.9875691500e-4f + 1.3981999507e-3f;
        p = p * r + 8.3334519073e-3f;
        p = p * r + 4.1665795894e-2f;
        p = p * r + 1.6666665459e-1f;
        p = p * r + 5.0000001201e-1f;
        return p * r * r + r;
    }
};
template <>
struct Real<double> {
    typedef long long Bits;
    static constexpr int up = 52, bias = 1023, cut = 27;
    static constexpr double least = -746.0, most = 710.0, whole = 6755399441055744.0, log2_e = 1.4426950408889634,
                            half = 0.5, high = 0.693145751953125, low = 1.42860682030941723212e-6, end = 28.0,
                            flat = 20.0;
    static constexpr double erfc[] = {
        1.2530080582697297,     -0.13562110612458117,   -0.047562294353450872,  0.12964515870276062,
        -0.11927366341530699,   0.068308027343978475,   -0.023770514918645887,  0.0025293918160662392,
        0.0018886903591561552,  -0.00077983227210839912, -0.00010515979981501178, 0.00012509935235563108,
        4.9494849925705952e-6,  -2.0100567931289228e-5, -7.3151051641590619e-7, 3.472414602875686e-6,
        3.5683839153992205e-7,  -6.1664960776043528e-7, -1.4160064940265986e-7, 1.0187000600072885e-7,
        4.1807846988455822e-8,  -1.3326364813003833e-8, -8.5003979297726154e-9, 9.8857988311393649e-10,
        8.864219016427092e-10,
    };
    static double signed_as(double size, double x) { return __builtin_copysign(size, x); }
    // (Cephes' exp)
    template <typename N>
    static N grown(N r) {
        const N s = r * r;
        const N p = r * ((1.26177193074810590878e-4 * s + 3.02994407707441961300e-2) * s + 1.0);
        N q = s * 3.00198505138664455042e-6 + 2.52448340349684104192e-3;
        q = q * s + 2.27265548208155028766e-1;
        q = q * s + 2.0;
        return 2.0 * (p / (q - p));
    }
};

template <typename N>
static inline typename Real<N>::Bits bits_of(N x) {
    typename Real<N>::Bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
template <typename N>
static inline N number_of(typename Real<N>::Bits bits) {
    N x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// 2^n, n being a whole number + `whole`.
template <typename N>
static inline N two_to(N n) {
    return number_of<N>((bits_of(n) + Real<N>::bias) << Real<N>::up);
}

// e^(a + b), b of at most some hundredths.
template <typename N>
static inline N power(N a, N b) {
    typedef Real<N> R;
    const N more = R::least > a ? R::least : a, x = R::most < more ? R::most : more;
    const N n = (x * R::log2_e + R::whole) - R::whole, half = n * R::half + R::whole;
    const N rest = n - (half - R::whole) + R::whole;
    return (R::grown(x - n * R::high - n * R::low + b) + 1) * two_to(half) * two_to(rest);
}

// 1 - erf(x), whose square is taken in two parts.
template <typename N>
static inline N erfc_of(N x) {
    typedef Real<N> R;
    const N z = x < 0 ? -x : x, y = z > R::end ? R::end : z;
    const N upper = number_of<N>(bits_of(y) & ~(((typename R::Bits)1 << R::cut) - 1));
    const N q = (y - 3) / (y + 3);
    constexpr int n = sizeof R::erfc / sizeof(N);
    N p = R::erfc[n - 1];
#pragma GCC unroll 32
    for (int i = n - 2; i >= 0; i--) p = p * q + R::erfc[i];
    const N found = power<N>(-upper * upper, (upper - y) * (upper + y)) * p / (1 + 2 * y);
    return x < 0 ? 2 - found : found;
}

template <typename N>
static inline N tanh_of(N x) {
    typedef Real<N> R;
    const N z = x < 0 ? -x : x, twice = z > R::flat ? 2 * R::flat : 2 * z;
    const N n = twice * R::log2_e + R::whole, steps = n - R::whole, up = two_to(n);
    const N u = R::grown(twice - steps * R::high - steps * R::low) * up + (up - 1), found = u / (u + 2);
    return R::signed_as(found, x);
}
