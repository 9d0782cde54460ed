// cuBLAS's C ABI on the host's memory, for tests. Statuses are cuBLAS's own: 7 is INVALID_VALUE, 15 NOT_SUPPORTED.
#include <stddef.h>
#include <stdlib.h>

enum { HOST = 0, DEVICE = 1 };
struct Handle {
    void *stream, *workspace;
    int mode;
};

int cublasCreate_v2(struct Handle** handle) {
    *handle = calloc(1, sizeof **handle);
    return 0;
}
int cublasDestroy_v2(struct Handle* handle) {
    free(handle);
    return 0;
}
int cublasSetStream_v2(struct Handle* handle, void* stream) {
    handle->stream = stream;
    return 0;
}
int cublasSetWorkspace_v2(struct Handle* handle, void* workspace, size_t size) {
    if (!handle->stream || !workspace || !size) return 7;
    handle->workspace = workspace;
    return 0;
}
int cublasSetPointerMode_v2(struct Handle* handle, int mode) {
    if (mode != HOST && mode != DEVICE) return 7;
    handle->mode = mode;
    return 0;
}
int cublasGetVersion_v2(struct Handle* handle, int* version) {
    *version = 0;
    return handle ? 0 : 1;
}
const char* cublasGetStatusName(int status) {
    return status == 7 ? "CUBLAS_STATUS_INVALID_VALUE" : status == 15 ? "CUBLAS_STATUS_NOT_SUPPORTED" : NULL;
}

enum { FLOAT = 0, DOUBLE = 1, BF16 = 14 };

static double read(const void* p, int type, long long i) {
    if (type == DOUBLE) return ((const double*)p)[i];
    if (type == FLOAT) return ((const float*)p)[i];
    union { unsigned u; float f; } x = {(unsigned)((const unsigned short*)p)[i] << 16};
    return x.f;
}

static void write(void* p, int type, long long i, double value) {
    if (type == DOUBLE)
        ((double*)p)[i] = value;
    else if (type == FLOAT)
        ((float*)p)[i] = (float)value;
    else {
        union { float f; unsigned u; } x = {(float)value};
        ((unsigned short*)p)[i] = (x.u + 0x7fff + (x.u >> 16 & 1)) >> 16;
    }
}

int cublasGemmStridedBatchedEx(struct Handle* handle, int op_a, int op_b, int m, int n, int k, const void* alpha,
                               const void* A, int type_a, int lda, long long stride_a, const void* B, int type_b,
                               int ldb, long long stride_b, const void* beta, void* C, int type_c, int ldc,
                               long long stride_c, int batches, int compute, int algorithm) {
    const int wide = compute == 70 ? DOUBLE : FLOAT;
    const int same = type_a == wide && type_c == wide, half = !wide && type_a == BF16 && type_c != DOUBLE;
    if (type_a != type_b || !(same || half) || algorithm != -1) return 15;
    if (!wide && compute != 68 && compute != 77) return 15;
    if (m < 0 || n < 0 || k < 0 || lda < (op_a ? k : m) || ldb < (op_b ? n : k) || ldc < m || lda < 1 || ldb < 1)
        return 7;
    if (!handle->workspace) return 7;
    const double al = read(alpha, wide, 0), be = read(beta, wide, 0);
    for (int q = 0; q < batches; q++)
        for (int j = 0; j < n; j++)
            for (int i = 0; i < m; i++) {
                double sum = 0;
                for (int l = 0; l < k; l++)
                    sum += read(A, type_a, q * stride_a + (op_a ? l + (long long)i * lda : i + (long long)l * lda)) *
                           read(B, type_b, q * stride_b + (op_b ? j + (long long)l * ldb : l + (long long)j * ldb));
                const long long at = q * stride_c + i + (long long)j * ldc;
                write(C, type_c, at, al * sum + (be != 0 ? be * read(C, type_c, at) : 0));
            }
    return 0;
}
