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

static double read(const void* p, int type, long long i) { return type ? ((const double*)p)[i] : ((const float*)p)[i]; }

int cublasGemmStridedBatchedEx(struct Handle* handle, int op_a, int op_b, int m, int n, int k, const void* alpha,
                               const void* A, int type_a, int lda, long long stride_a, const void* B, int type_b,
                               int ldb, long long stride_b, const void* beta, void* C, int type_c, int ldc,
                               long long stride_c, int batches, int compute, int algorithm) {
    const int wide = compute == 70;
    if (type_a != type_b || type_a != type_c || type_a > 1 || type_a != wide || algorithm != -1) return 15;
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
                    sum += read(A, wide, q * stride_a + (op_a ? l + (long long)i * lda : i + (long long)l * lda)) *
                           read(B, wide, q * stride_b + (op_b ? j + (long long)l * ldb : l + (long long)j * ldb));
                const long long at = q * stride_c + i + (long long)j * ldc;
                const double made = al * sum + (be != 0 ? be * read(C, wide, at) : 0);
                if (wide)
                    ((double*)C)[at] = made;
                else
                    ((float*)C)[at] = (float)made;
            }
    return 0;
}
