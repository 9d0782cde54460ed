// Matrices and products as cuBLAS has them: column by column.
#pragma once
#include "standin.h"

namespace standin {
enum Type { F32 = 0, F64 = 1, F16 = 2, BF16 = 14 };
enum Compute { IN_F16 = 64, IN_F32 = 68, IN_F64 = 70, IN_TF32 = 77 };
struct Matrix {
    char* at;
    int type, across;  // across: its leading dimension
    long long stride;
    bool turned;
    int rows, columns;  // as it lies in memory
};

size_t size_of(int type);
bool is_possible(int a, int b, int c, int compute);

// c = alpha * a @ b + beta * c, for one matrix of a batch.
void multiply(int m, int n, int k, double alpha, const Matrix& a, const Matrix& b, double beta, const Matrix& c,
              int batch, int compute);
}  // namespace standin
