#include "common.cuh"

#define AT(i) x##i[r * r##i + row * row##i + c * c##i]

// A formula of up to five arrays, whose elements are r, row and c apart: 0 along an axis that is 1 long.
extern "C" __global__ void formula(T* x0, i64 r0, i64 row0, i64 c0, const T* x1, i64 r1, i64 row1, i64 c1, const T* x2,
                                   i64 r2, i64 row2, i64 c2, const T* x3, i64 r3, i64 row3, i64 c3, const T* x4, i64 r4,
                                   i64 row4, i64 c4, double p0, double p1, i64 rows, i64 columns, i64 replicas) {
    FOR_REPLICAS(r) FOR_ROWS(row) FOR_COLUMNS(c) {
        T OUT;
        ARGUMENTS
        FORMULA
        AT(0) = OUT;
    }
}
