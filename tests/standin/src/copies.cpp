// The runtime's API on memory.
#include <string.h>

#include "standin.h"

using namespace standin;

namespace {
bool is_host(const void* p) {
    const Block* b = block_of(p);
    return !b || b->kind == PINNED;
}

bool reaches_past(const void* p, size_t n) {
    const Block* b = block_of(p);
    return b && (const char*)p + n > b->start + b->size;
}

int check(const void* to, const void* from, size_t n, cudaMemcpyKind kind) {
    for (const void* p : {to, from})
        if (reaches_past(p, n)) {
            fault("a copy of %zu bytes reaches past the end of %s", n, whereabouts(p).c_str());
            return cudaErrorInvalidValue;
        }
    const int is = is_host(from) ? (is_host(to) ? cudaMemcpyHostToHost : cudaMemcpyHostToDevice)
                                 : (is_host(to) ? cudaMemcpyDeviceToHost : cudaMemcpyDeviceToDevice);
    if (kind == cudaMemcpyDefault || kind == is) return 0;
    fault("a copy that is said to be of kind %d is of kind %d", kind, is);
    return cudaErrorInvalidValue;
}

int copy(void* to, const void* from, size_t n, cudaMemcpyKind kind, Stream* s) {
    if (!n) return 0;
    if (const int error = check(to, from, n, kind)) return error;
    counts.copies++, counts.bytes += n;
    const bool pageable_source = !block_of(from), pageable_target = !block_of(to);
    if (s && s->capture) {
        if (pageable_source || pageable_target)
            fault("a graph copies %s pageable memory, at every replay", pageable_source ? "from" : "to");
        return issue(s, "copy", [=] { memmove(to, from, n); }, ANYWHERE);
    }
    if (pageable_source) {  // is read before the call returns
        const auto kept = std::make_shared<std::string>((const char*)from, n);
        return issue(s, "copy", [=] { memcpy(to, kept->data(), n); }, ANYWHERE);
    }
    const int error = issue(s, "copy", [=] { memmove(to, from, n); }, ANYWHERE);
    if (!error && pageable_target) drain(s);  // is written before the call returns
    return error;
}

int fill(void* p, int value, size_t n, Stream* s) {
    if (!on_device(p, n)) {
        fault("a fill of %zu bytes goes to %s", n, whereabouts(p).c_str());
        return cudaErrorInvalidValue;
    }
    counts.fills++;
    return issue(s, "fill", [=] { memset(p, value, n); }, ANYWHERE);
}

int give_back(void* p) {
    std::lock_guard<std::mutex> lock(mutex);
    if (!p) return 0;
    if (const int error = forbidden("cudaFree")) return failed(error);
    drain_all();
    const int error = release(p);
    return failed(lost ? lost : error);
}
}  // namespace

API int cudaMalloc(void** p, size_t n) {
    return called([&] {
        const int error = forbidden("cudaMalloc");
        return error ? error : allocate(p, n, DEVICE);
    });
}
API int cudaMallocManaged(void** p, size_t n, unsigned) {
    return called([&] { return allocate(p, n, MANAGED); });
}
API int cudaHostAlloc(void** p, size_t n, unsigned) {
    return called([&] {
        const int error = forbidden("cudaHostAlloc");
        return error ? error : allocate(p, n, PINNED);
    });
}
API int cudaFree(void* p) { return give_back(p); }
API int cudaFreeHost(void* p) { return give_back(p); }
API int cudaMemGetInfo(size_t* available, size_t* total) {
    return called([&] {
        *total = settings.memory[device];
        *available = *total > used[device] ? *total - used[device] : 0;
        return 0;
    });
}
API int cudaPointerGetAttributes(cudaPointerAttributes* a, const void* p) {
    return called([&] {
        memset(a, 0, sizeof *a);
        const Block* b = block_of(p);
        a->type = b ? (cudaMemoryType)b->kind : cudaMemoryTypeUnregistered;
        a->device = b ? b->device : -2;
        if (b) (b->kind == PINNED ? a->hostPointer : a->devicePointer) = (void*)p;
        return 0;
    });
}

API int cudaMemcpy(void* to, const void* from, size_t n, cudaMemcpyKind kind) {
    return called([&] {
        if (const int error = forbidden("cudaMemcpy")) return error;
        const int error = copy(to, from, n, kind, stream_of(nullptr));
        return error ? error : synchronize(stream_of(nullptr), "cudaMemcpy");
    });
}
API int cudaMemcpyAsync(void* to, const void* from, size_t n, cudaMemcpyKind kind, void* s) {
    return called([&] { return copy(to, from, n, kind, stream_of(s)); });
}
API int cudaMemcpyPeerAsync(void* to, int, const void* from, int, size_t n, void* s) {
    return cudaMemcpyAsync(to, from, n, cudaMemcpyDeviceToDevice, s);
}
API int cudaMemcpyPeer(void* to, int, const void* from, int, size_t n) {
    return cudaMemcpy(to, from, n, cudaMemcpyDeviceToDevice);
}
API int cudaMemset(void* p, int value, size_t n) {
    return called([&] { return fill(p, value, n, stream_of(nullptr)); });
}
API int cudaMemsetAsync(void* p, int value, size_t n, void* s) {
    return called([&] { return fill(p, value, n, stream_of(s)); });
}
