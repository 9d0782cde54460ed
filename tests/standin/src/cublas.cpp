// cuBLAS on the host's memory: a product is work of its handle's stream.
#include <string.h>

#include "products.h"

using namespace standin;

namespace {
enum Status { SUCCESS = 0, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
enum Mode { HOST_SCALARS = 0, DEVICE_SCALARS = 1 };
const int VERSION = STANDIN_CUDA / 1000 * 10000 + 901;

struct Handle {
    void* stream;
    int mode, math;
    void* workspace;
    size_t size;
};
bool lies_on_device(const Matrix& x, int batches) {
    if (!x.rows || !x.columns) return true;
    const long long last = (batches - 1) * x.stride + (x.columns - 1) * (long long)x.across + x.rows;
    return on_device(x.at, last * size_of(x.type));
}

Status refuse(Status status, const char* why) {
    fault("cuBLAS: %s", why);
    return status;
}

void use_workspace(const Handle& h, bool captured) {
    if (h.workspace) {
        if (on_device(h.workspace, h.size))
            memset(h.workspace, 0xFF, std::min<size_t>(h.size, 1024));
        else
            fault("a product's workspace is %s", whereabouts(h.workspace).c_str());
    } else if (captured)
        fault("a product in a graph works in cuBLAS's default workspace, which others use, too");
}

double scalar(const void* at, int compute) { return compute == IN_F64 ? *(double*)at : *(float*)at; }

Status product(Handle& h, int m, int n, int k, const void* alpha, Matrix a, Matrix b, const void* beta, Matrix c,
               int batches, int compute) {
    if (!is_possible(a.type, b.type, c.type, compute)) return refuse(NOT_SUPPORTED, "a product of such types");
    if (m < 0 || n < 0 || k < 0 || batches < 0 || c.across < std::max(m, 1) || a.across < std::max(a.rows, 1) ||
        b.across < std::max(b.rows, 1))
        return refuse(INVALID_VALUE, "a matrix is larger than its leading dimension");
    if (!m || !n || !batches) return SUCCESS;
    const bool apart = c.stride >= (long long)c.across * (n - 1) + m;
    const bool between = c.stride >= m && c.stride * (batches - 1) + m <= c.across;  // each column's side by side
    if (batches > 1 && !apart && !between)
        return refuse(INVALID_VALUE, "the results of a batch lie over each other");
    if (!lies_on_device(a, batches) || !lies_on_device(b, batches) || !lies_on_device(c, batches))
        return refuse(EXECUTION_FAILED, "a matrix is no memory of the device, or reaches past the end");
    const bool numbers = h.mode == HOST_SCALARS;
    if (on_device(alpha, 4) == numbers || on_device(beta, 4) == numbers)
        return refuse(INVALID_VALUE, "alpha or beta is not where the pointer mode says");
    Stream* s = stream_of(h.stream);
    const double first = numbers ? scalar(alpha, compute) : 0, second = numbers ? scalar(beta, compute) : 0;
    counts.products++;
    issued("product");
    const auto run = [=, h = h, captured = s && s->capture] {
        const double x = numbers ? first : scalar(alpha, compute), y = numbers ? second : scalar(beta, compute);
        use_workspace(h, captured);
        for (const Matrix& matrix : {a, b, c})
            if (!lies_on_device(matrix, batches)) {
                fault("a product's matrix is %s", whereabouts(matrix.at).c_str());
                return lose(cudaErrorIllegalAddress);
            }
        for (int q = 0; q < batches; q++) multiply(m, n, k, x, a, b, y, c, q, compute);
    };
    return issue(s, "product", run) ? EXECUTION_FAILED : SUCCESS;
}

template <class Body>
Status with(Handle* h, Body body) {
    int status = SUCCESS;
    const int error = called([&] { return status = h ? body(*h) : INVALID_VALUE, 0; });
    return error ? EXECUTION_FAILED : (Status)status;
}
}  // namespace

API int cublasGemmStridedBatchedEx(Handle* h, int turn_a, int turn_b, int m, int n, int k, const void* alpha, char* a,
                                   int type_a, int lda, long long stride_a, char* b, int type_b, int ldb,
                                   long long stride_b, const void* beta, char* c, int type_c, int ldc,
                                   long long stride_c, int batches, int compute, int) {
    const Matrix left = {a, type_a, lda, stride_a, turn_a != 0, turn_a ? k : m, turn_a ? m : k};
    const Matrix right = {b, type_b, ldb, stride_b, turn_b != 0, turn_b ? n : k, turn_b ? k : n};
    const Matrix out = {c, type_c, ldc, stride_c, false, m, n};
    return with(h, [&](Handle& x) { return product(x, m, n, k, alpha, left, right, beta, out, batches, compute); });
}
API int cublasGemmEx(Handle* h, int turn_a, int turn_b, int m, int n, int k, const void* alpha, char* a, int type_a,
                     int lda, char* b, int type_b, int ldb, const void* beta, char* c, int type_c, int ldc, int compute,
                     int algorithm) {
    return cublasGemmStridedBatchedEx(h, turn_a, turn_b, m, n, k, alpha, a, type_a, lda, 0, b, type_b, ldb, 0, beta, c,
                                      type_c, ldc, 0, 1, compute, algorithm);
}

// As CuPy calls them, for one type and compute mode each.
#define GEMM(letter, type, compute)                                                                                \
    API int cublas##letter##gemmStridedBatched(Handle* h, int turn_a, int turn_b, int m, int n, int k,             \
                                               const void* alpha, char* a, int lda, long long stride_a, char* b,   \
                                               int ldb, long long stride_b, const void* beta, char* c, int ldc,    \
                                               long long stride_c, int batches) {                                  \
        return cublasGemmStridedBatchedEx(h, turn_a, turn_b, m, n, k, alpha, a, type, lda, stride_a, b, type, ldb, \
                                          stride_b, beta, c, type, ldc, stride_c, batches, compute, -1);           \
    }                                                                                                              \
    API int cublas##letter##gemm_v2(Handle* h, int turn_a, int turn_b, int m, int n, int k, const void* alpha,     \
                                    char* a, int lda, char* b, int ldb, const void* beta, char* c, int ldc) {      \
        return cublasGemmEx(h, turn_a, turn_b, m, n, k, alpha, a, type, lda, b, type, ldb, beta, c, type, ldc,     \
                            compute, -1);                                                                          \
    }
GEMM(S, F32, IN_F32)
GEMM(D, F64, IN_F64)

API int cublasCreate_v2(Handle** h) { return *h = new Handle(), SUCCESS; }
API int cublasDestroy_v2(Handle* h) { return delete h, SUCCESS; }
API int cublasSetStream_v2(Handle* h, void* stream) {  // which goes back to the default workspace
    return with(h, [&](Handle& x) { return x.stream = stream, x.workspace = nullptr, x.size = 0, SUCCESS; });
}
API int cublasGetStream_v2(Handle* h, void** stream) { return *stream = h->stream, SUCCESS; }
API int cublasSetWorkspace_v2(Handle* h, void* workspace, size_t size) {
    return with(h, [&](Handle& x) {
        if ((uintptr_t)workspace % 256 || !on_device(workspace, size))
            return refuse(INVALID_VALUE, "the workspace is not aligned, or no memory of the device");
        return x.workspace = workspace, x.size = size, SUCCESS;
    });
}
API int cublasSetPointerMode_v2(Handle* h, int mode) { return h->mode = mode, SUCCESS; }
API int cublasGetPointerMode_v2(Handle* h, int* mode) { return *mode = h->mode, SUCCESS; }
API int cublasSetMathMode(Handle* h, int mode) { return h->math = mode, SUCCESS; }
API int cublasGetMathMode(Handle* h, int* mode) { return *mode = h->math, SUCCESS; }
API int cublasGetVersion_v2(Handle* h, int* version) { return *version = VERSION, h ? SUCCESS : INVALID_VALUE; }
API const char* cublasGetStatusName(int status) {
    switch (status) {
        case SUCCESS:
            return "CUBLAS_STATUS_SUCCESS";
        case INVALID_VALUE:
            return "CUBLAS_STATUS_INVALID_VALUE";
        case EXECUTION_FAILED:
            return "CUBLAS_STATUS_EXECUTION_FAILED";
        case NOT_SUPPORTED:
            return "CUBLAS_STATUS_NOT_SUPPORTED";
        default:
            return "CUBLAS_STATUS_UNKNOWN";
    }
}
API const char* cublasGetStatusString(int status) { return cublasGetStatusName(status); }
