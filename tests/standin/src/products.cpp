// The arithmetic of a product, in any of cuBLAS's types.
#include "products.h"

#include <string.h>

#include "../include/half.h"

namespace standin {
namespace {
bool is_known(int type) { return type == F32 || type == F64 || type == F16 || type == BF16; }

template <class To, class From>
To bits(From from) {
    To to;
    return memcpy(&to, &from, sizeof to), to;
}

double get(const char* at, int type, long long i) {
    if (type == F64) return ((const double*)at)[i];
    if (type == F32) return ((const float*)at)[i];
    if (type == F16) return standin_from_half(((const uint16_t*)at)[i]);
    return bits<float>((uint32_t)((const uint16_t*)at)[i] << 16);
}

void put(char* at, int type, long long i, double value) {
    if (type == F64)
        ((double*)at)[i] = value;
    else if (type == F32)
        ((float*)at)[i] = (float)value;
    else if (type == F16)
        ((uint16_t*)at)[i] = standin_to_half((float)value);
    else {
        const uint32_t u = bits<uint32_t>((float)value);
        ((uint16_t*)at)[i] = (u + 0x7fff + (u >> 16 & 1)) >> 16;
    }
}

float to_tf32(float value) {
    const uint32_t u = bits<uint32_t>(value);
    return bits<float>((u + 0xfff + (u >> 13 & 1)) & ~0x1fffu);
}

// The operand as a dense matrix, column by column.
template <class T>
std::vector<T> gathered(const Matrix& x, int batch, bool tf32) {
    const int rows = x.turned ? x.columns : x.rows, columns = x.turned ? x.rows : x.columns;
    const long long down = x.turned ? x.across : 1, right = x.turned ? 1 : x.across;
    const char* at = x.at + batch * x.stride * (long long)size_of(x.type);
    std::vector<T> all((size_t)rows * columns);
    for (int j = 0; j < columns; j++) {
        T* column = &all[(size_t)j * rows];
        if (x.type == (sizeof(T) == 8 ? F64 : F32))
            for (int i = 0; i < rows; i++) column[i] = ((const T*)at)[i * down + j * right];
        else
            for (int i = 0; i < rows; i++) column[i] = get(at, x.type, i * down + j * right);
        if (tf32)
            for (int i = 0; i < rows; i++) column[i] = to_tf32(column[i]);
    }
    return all;
}

template <class T>
void multiply_in(int m, int n, int k, T alpha, const Matrix& a, const Matrix& b, T beta, const Matrix& c, int batch,
                 bool tf32) {
    const std::vector<T> left = gathered<T>(a, batch, tf32), right = gathered<T>(b, batch, tf32);
    std::vector<T> sums(m);
    char* to = c.at + batch * c.stride * (long long)size_of(c.type);
    for (int j = 0; j < n; j++) {
        std::fill(sums.begin(), sums.end(), 0);
        for (int l = 0; l < k; l++) {
            const T factor = right[(size_t)j * k + l], *column = &left[(size_t)l * m];
            for (int i = 0; i < m; i++) sums[i] += factor * column[i];
        }
        for (int i = 0; i < m; i++) {
            const long long at = i + (long long)j * c.across;
            put(to, c.type, at, alpha * sums[i] + (beta != 0 ? beta * (T)get(to, c.type, at) : 0));
        }
    }
}
}  // namespace

size_t size_of(int type) { return type == F64 ? 8 : type == F32 ? 4 : 2; }

// Those of a and b are the same, and c's is that of the sums or, in half precision, of a.
bool is_possible(int a, int b, int c, int compute) {
    if (a != b || !is_known(a) || !is_known(c)) return false;
    if (compute == IN_F64) return a == F64 && c == F64;
    if (compute != IN_F32 && compute != IN_TF32) return false;
    return a == F32 ? c == F32 : a != F64 && (c == F32 || c == a);
}

void multiply(int m, int n, int k, double alpha, const Matrix& a, const Matrix& b, double beta, const Matrix& c,
              int batch, int compute) {
    if (compute == IN_F64)
        multiply_in<double>(m, n, k, alpha, a, b, beta, c, batch, false);
    else
        multiply_in<float>(m, n, k, alpha, a, b, beta, c, batch, compute == IN_TF32);
}
}  // namespace standin
