// Streams: work is queued, and done in any order that they allow, as late as they allow.
#include <unistd.h>

#include <algorithm>

#include "standin.h"

namespace standin {
namespace {
std::set<Stream*> streams;
std::vector<Stream*> destroyed;  // with work left; none is deleted, so that no other has its handle
Stream legacy[MOST_DEVICES];
int elsewhere = 0;  // jobs that are running without the mutex

Stream* per_thread() {
    static thread_local Stream* made[MOST_DEVICES];
    if (!made[device]) {
        streams.insert(made[device] = new Stream);
        made[device]->device = device;
    }
    return made[device];
}

std::vector<Stream*> all_streams() {
    std::vector<Stream*> all(streams.begin(), streams.end());
    all.insert(all.end(), destroyed.begin(), destroyed.end());
    for (int i = 0; i < settings.devices; i++) legacy[i].device = i, all.push_back(&legacy[i]);
    return all;
}

bool is_ready(const Stream& s) {
    if (s.queue.empty() || s.busy) return false;
    for (const Place& mark : s.queue.front().waits)
        if (!mark->done) return false;
    return true;
}

void do_next(Stream& s) {
    Work work = std::move(s.queue.front());
    s.queue.pop_front();
    s.busy = true;
    if (work.run && !lost) work.run();
    s.busy = false;
    work.mark->done = true;
}

// Does queued work, each time the next of a stream drawn by chance.
void work_until(const std::function<bool()>& enough) {
    while (!enough()) {
        if (do_some()) continue;
        if (elsewhere) {
            mutex.unlock();
            usleep(20);
            mutex.lock();
        } else {
            fault("work waits for what never comes");
            return;
        }
    }
    const auto is_idle = [](const Stream* s) { return s->queue.empty(); };
    destroyed.erase(std::remove_if(destroyed.begin(), destroyed.end(), is_idle), destroyed.end());
}

int destroy(Stream* s) {
    if (!streams.count(s)) return cudaErrorInvalidResourceHandle;
    if (s->capture) {
        fault("a stream is destroyed while it is captured");
        abandon(s->capture);
    }
    streams.erase(s);
    destroyed.push_back(s);  // what is queued is done, with time
    return 0;
}

}  // namespace

bool is_legacy(const Stream* s) { return s >= legacy && s < legacy + MOST_DEVICES; }
bool is_blocking(const Stream* s) { return !(s->flags & cudaStreamNonBlocking); }

Stream* stream_of(void* handle) {
    legacy[device].device = device;
    if (handle == nullptr || handle == cudaStreamLegacy) return &legacy[device];
    if (handle == cudaStreamPerThread) return per_thread();
    return streams.count((Stream*)handle) ? (Stream*)handle : nullptr;
}

Place push(Stream* s, Job run, std::vector<Place> waits) {
    for (Stream* other : all_streams()) {  // the legacy stream and blocking ones wait for each other
        const bool ordered = is_legacy(s) ? is_blocking(other) : is_blocking(s) && is_legacy(other);
        if (ordered && other != s && other->device == s->device && other->last) waits.push_back(other->last);
    }
    Place mark = std::make_shared<Mark>();
    s->last = mark;
    s->queue.push_back({std::move(run), std::move(waits), mark});
    if (!settings.lazy) wait_for(mark);
    return mark;
}

bool do_some() {
    std::vector<Stream*> ready;
    for (Stream* s : all_streams())
        if (is_ready(*s)) ready.push_back(s);
    if (!ready.empty()) do_next(*ready[draw(ready.size())]);
    return !ready.empty();
}

void apart(const Job& job) {
    elsewhere++;
    mutex.unlock();
    job();
    mutex.lock();
    elsewhere--;
}

void wait_for(Place mark) {
    if (mark) work_until([&] { return mark->done; });
}
void drain(Stream* s) { wait_for(s->last); }
void drain_device(int which) {
    for (Stream* s : all_streams())
        if (s->device == which) drain(s);
}
void drain_all() {
    for (int i = 0; i < settings.devices; i++) drain_device(i);
}

int synchronize(Stream* s, const char* who) {
    if (!s) return cudaErrorInvalidResourceHandle;
    if (s->capture) {
        fault("%s waits for a stream that is captured", who);
        return invalidate(s->capture, cudaErrorStreamCaptureUnsupported);
    }
    counts.syncs++;
    if (is_legacy(s))
        for (Stream* other : all_streams())
            if (other->device == s->device && is_blocking(other)) drain(other);
    drain(s);
    return lost;
}

int issue(Stream* s, const std::string& name, Job run, Where where) {
    if (!s) {
        fault("%s is issued on a stream that there is not", name.c_str());
        return cudaErrorInvalidResourceHandle;
    }
    if (s->device != device && where == HERE) {
        fault("%s is issued on a stream of device %d while device %d is current", name.c_str(), s->device, device);
        return cudaErrorInvalidResourceHandle;
    }
    if (s->capture) return recorded(s, name, std::move(run));
    if (is_legacy(s))
        if (const int error = disturbs_capture(name)) return error;
    push(s, std::move(run));
    return 0;
}
}  // namespace standin

using namespace standin;

API int cudaStreamCreateWithPriority(Stream** out, unsigned flags, int priority) {
    return called([&] {
        Stream* s = new Stream;
        s->device = device, s->flags = flags, s->priority = priority;
        streams.insert(*out = s);
        return 0;
    });
}
API int cudaStreamCreateWithFlags(Stream** out, unsigned flags) { return cudaStreamCreateWithPriority(out, flags, 0); }
API int cudaStreamCreate(Stream** out) { return cudaStreamCreateWithPriority(out, cudaStreamDefault, 0); }
API int cudaStreamGetFlags(void* s, unsigned* flags) {
    return called([&] { return stream_of(s) ? *flags = stream_of(s)->flags, 0 : cudaErrorInvalidResourceHandle; });
}
API int cudaStreamGetPriority(void* s, int* priority) {
    return called(
        [&] { return stream_of(s) ? *priority = stream_of(s)->priority, 0 : cudaErrorInvalidResourceHandle; });
}
API int cudaStreamDestroy(Stream* s) {
    std::lock_guard<std::mutex> lock(mutex);
    return failed(destroy(s));
}
API int cudaStreamSynchronize(void* s) {
    return called([&] { return synchronize(stream_of(s), "cudaStreamSynchronize"); });
}
API int cudaStreamQuery(void* handle) {
    return called([&]() -> int {
        Stream* s = stream_of(handle);
        if (!s) return cudaErrorInvalidResourceHandle;
        if (s->capture) return invalidate(s->capture, cudaErrorStreamCaptureUnsupported);
        return s->last && !s->last->done ? cudaErrorNotReady : cudaSuccess;
    });
}
API int cudaLaunchHostFunc(void* s, cudaHostFn_t function, void* data) {
    return called([&] {
        return issue(stream_of(s), "host function", [=] {
            apart([=] { function(data); });  // it may wait for Python's lock, whose holder may wait for ours
        });
    });
}
