// Events: places in streams, that other streams and the host wait for.
#include "standin.h"

using namespace standin;

namespace {
struct Event {
    int device;
    unsigned flags;
    Place mark;
    CaptureOf capture;
    std::set<int> tail;
};
std::set<Event*> events;

int record(Event* e, Stream* s) {
    if (!s || !events.count(e) || s->device != e->device) return cudaErrorInvalidResourceHandle;
    counts.event_records++;
    e->capture = s->capture, e->tail = s->tail;
    e->mark = s->capture ? nullptr : push(s, nullptr);
    return 0;
}

int wait_event(Stream* s, Event* e) {
    if (!s || !events.count(e)) return cudaErrorInvalidResourceHandle;
    counts.event_waits++;
    if (e->capture) return wait_captured(s, e->capture, e->tail);
    if (!e->mark) return 0;
    if (s->capture) return wait_uncaptured(s);
    push(s, nullptr, {e->mark});
    return 0;
}
}  // namespace

API int cudaStreamWaitEvent(void* s, Event* e, unsigned) {
    return called([&] { return wait_event(stream_of(s), e); });
}
API int cudaEventCreateWithFlags(Event** out, unsigned flags) {
    return called([&] {
        events.insert(*out = new Event{device, flags});
        return 0;
    });
}
API int cudaEventCreate(Event** out) { return cudaEventCreateWithFlags(out, cudaEventDefault); }
API int cudaEventDestroy(Event* e) {
    std::lock_guard<std::mutex> lock(mutex);
    if (!events.erase(e)) return failed(cudaErrorInvalidResourceHandle);
    delete e;
    return 0;
}
API int cudaEventRecord(Event* e, void* s) {
    return called([&] { return record(e, stream_of(s)); });
}
API int cudaEventSynchronize(Event* e) {
    return called([&]() -> int {
        if (!events.count(e)) return cudaErrorInvalidResourceHandle;
        if (e->capture) return cudaErrorCapturedEvent;
        counts.syncs++;
        wait_for(e->mark);
        return lost;
    });
}
API int cudaEventQuery(Event* e) {
    return called([&]() -> int {
        if (!events.count(e)) return cudaErrorInvalidResourceHandle;
        if (e->capture) return cudaErrorCapturedEvent;
        return e->mark && !e->mark->done ? cudaErrorNotReady : cudaSuccess;
    });
}
API int cudaEventElapsedTime(float* milliseconds, Event* from, Event* to) {
    return called([&]() -> int {
        for (Event* e : {from, to}) {
            if (!events.count(e) || e->flags & cudaEventDisableTiming || !e->mark)
                return cudaErrorInvalidResourceHandle;
            if (!e->mark->done) return cudaErrorNotReady;
        }
        *milliseconds = 1;  // no time is modelled
        return 0;
    });
}
