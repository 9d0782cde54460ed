// The runtime's API on devices and errors.
#include <stdio.h>
#include <string.h>

#include "standin.h"

using namespace standin;

namespace {
const int CAPABILITY[] = {9, 0}, PROCESSORS = 132, THREADS = 1024, SHARED = 48 << 10, WIDEST = 2147483647;
const struct {
    int code;
    const char *name, *text;
} ERRORS[] = {
    {0, "cudaSuccess", "no error"},
    {1, "cudaErrorInvalidValue", "invalid argument"},
    {2, "cudaErrorMemoryAllocation", "out of memory"},
    {100, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {101, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {200, "cudaErrorInvalidKernelImage", "device kernel image is invalid"},
    {214, "cudaErrorECCUncorrectable", "uncorrectable ECC error encountered"},
    {400, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {401, "cudaErrorIllegalState", "the operation cannot be performed in the present state"},
    {500, "cudaErrorSymbolNotFound", "named symbol not found"},
    {600, "cudaErrorNotReady", "device not ready"},
    {700, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {719, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {801, "cudaErrorNotSupported", "operation not supported"},
    {900, "cudaErrorStreamCaptureUnsupported", "operation not permitted when stream is capturing"},
    {901, "cudaErrorStreamCaptureInvalidated", "operation failed due to a previous error during capture"},
    {902, "cudaErrorStreamCaptureMerge", "operation would result in a merge of separate capture sequences"},
    {903, "cudaErrorStreamCaptureUnmatched", "capture was not ended in the same stream as it began"},
    {904, "cudaErrorStreamCaptureUnjoined", "capturing stream has unjoined work"},
    {905, "cudaErrorStreamCaptureIsolation", "dependency created on uncaptured work in another stream"},
    {906, "cudaErrorStreamCaptureImplicit",
     "operation would make the legacy stream depend on a capturing blocking stream"},
    {907, "cudaErrorCapturedEvent", "operation not permitted on an event last recorded in a capturing stream"},
    {908, "cudaErrorStreamCaptureWrongThread",
     "attempt to terminate a thread-local capture sequence from another thread"},
};

bool exists(int which) { return which >= 0 && which < settings.devices; }

int version(int* number) { return *number = STANDIN_CUDA, 0; }

int attribute(int which) {
    switch (which) {
        case cudaDevAttrComputeCapabilityMajor:
            return CAPABILITY[0];
        case cudaDevAttrComputeCapabilityMinor:
            return CAPABILITY[1];
        case cudaDevAttrMultiProcessorCount:
            return PROCESSORS;
        case cudaDevAttrMaxThreadsPerBlock:
            return THREADS;
        case cudaDevAttrMaxSharedMemoryPerBlock:
            return SHARED;
        case cudaDevAttrWarpSize:
            return 32;
        case cudaDevAttrMaxGridDimX:
            return WIDEST;
        default:
            return 0;
    }
}
}  // namespace

API const char* cudaGetErrorName(int error) {
    for (const auto& known : ERRORS)
        if (known.code == error) return known.name;
    return "cudaErrorUnknown";
}
API const char* cudaGetErrorString(int error) {
    for (const auto& known : ERRORS)
        if (known.code == error) return known.text;
    return "unknown error";
}
API int cuGetErrorName(int error, const char** name) { return *name = cudaGetErrorName(error), 0; }
API int cuGetErrorString(int error, const char** text) { return *text = cudaGetErrorString(error), 0; }
API int cudaGetLastError() {
    const int error = last_error;
    last_error = lost;
    return error;
}
API int cudaPeekAtLastError() { return last_error; }

API int cudaDriverGetVersion(int* number) { return version(number); }
API int cudaRuntimeGetVersion(int* number) { return version(number); }
API int cuDriverGetVersion(int* number) { return version(number); }

API int cudaGetDeviceCount(int* count) { return *count = settings.devices, *count ? 0 : failed(cudaErrorNoDevice); }
API int cudaGetDevice(int* current) { return *current = device, 0; }
API int cudaSetDevice(int which) { return exists(which) ? device = which, 0 : failed(cudaErrorInvalidDevice); }
API int cudaDeviceGetAttribute(int* value, int which, int of) {
    return exists(of) ? *value = attribute(which), 0 : failed(cudaErrorInvalidDevice);
}
API int cudaGetDeviceProperties(cudaDeviceProp* p, int which) {
    if (!exists(which)) return failed(cudaErrorInvalidDevice);
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "Stand-in GPU");
    p->totalGlobalMem = settings.memory[which];
    p->major = CAPABILITY[0], p->minor = CAPABILITY[1], p->multiProcessorCount = PROCESSORS, p->warpSize = 32;
    p->maxThreadsPerBlock = THREADS, p->sharedMemPerBlock = SHARED, p->regsPerBlock = 65536;
    p->maxGridSize[0] = WIDEST, p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    return 0;
}
API int cudaGetDeviceProperties_v2(cudaDeviceProp* p, int which) { return cudaGetDeviceProperties(p, which); }
API int cudaDeviceGetPCIBusId(char* text, int size, int which) {
    if (!exists(which)) return failed(cudaErrorInvalidDevice);
    snprintf(text, size, "0000:%02x:00.0", which);
    return 0;
}
API int cudaDeviceGetByPCIBusId(int* which, const char* text) {
    return sscanf(text, "0000:%2x", (unsigned*)which) == 1 && exists(*which) ? 0 : failed(cudaErrorInvalidDevice);
}
API int cudaDeviceCanAccessPeer(int* can, int, int) { return *can = 0, 0; }
API int cudaDeviceGetLimit(size_t* value, int) { return *value = 8 << 20, 0; }
API int cudaDeviceSetLimit(int, size_t) { return 0; }
API int cudaDeviceSynchronize() {
    return called([] {
        if (capturing()) {
            fault("cudaDeviceSynchronize during a capture");
            return (int)cudaErrorStreamCaptureUnsupported;
        }
        counts.syncs++;
        drain_device(device);
        return lost;
    });
}
API int cudaProfilerStart() { return 0; }
API int cudaProfilerStop() { return 0; }
