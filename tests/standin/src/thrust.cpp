// CuPy's sorts, which it does by Thrust: work of their stream, along the last axis.
#include <algorithm>

#include "standin.h"

namespace {
template <class T>
int sort(T* data, const std::vector<long>& shape, void* stream) {
    const long n = shape.back();
    long total = 1;
    for (long size : shape) total *= size;
    return standin::called([&] {
        standin::issued("thrust_sort");
        return standin::issue(standin::stream_of(stream), "thrust_sort", [=] {
            for (T* row = data; row < data + total; row += n) std::stable_sort(row, row + n);
        });
    });
}
}  // namespace

// `type` is CuPy's own number of a dtype.
__attribute__((visibility("default"))) void thrust_sort(int type, void* data, unsigned long*,
                                                        const std::vector<long>& shape, long stream, void*) {
    void* on = (void*)stream;
    switch (type) {
        case 0: sort((int8_t*)data, shape, on); return;
        case 1: sort((uint8_t*)data, shape, on); return;
        case 2: sort((int16_t*)data, shape, on); return;
        case 3: sort((uint16_t*)data, shape, on); return;
        case 4: sort((int32_t*)data, shape, on); return;
        case 5: sort((uint32_t*)data, shape, on); return;
        case 6: sort((int64_t*)data, shape, on); return;
        case 7: sort((uint64_t*)data, shape, on); return;
        case 9: sort((float*)data, shape, on); return;
        case 10: sort((double*)data, shape, on); return;
    }
    standin_unsupported("a sort of this dtype");
}
