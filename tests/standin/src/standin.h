// A stand-in for an NVIDIA GPU on the host's memory: what its parts share.
//
// One mutex guards everything. Only the functions that CuPy and Python call take it; all others expect it taken.
#pragma once
#include <driver_types.h>
#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

namespace standin {
const int MOST_DEVICES = 16;
const size_t PAGE = 4096;

// ---- report.cpp: settings, what was done, and what went wrong
enum Order { FORWARD, REVERSE, RANDOM, ANY };
struct Settings {
    int devices;
    bool lazy, guard, trace;
    Order order;
    size_t memory[MOST_DEVICES];
};
struct Counts {
    long launches, products, copies, bytes, fills, syncs, graph_launches, graph_nodes, captures, mallocs, frees,
        event_records, event_waits, modules, exchanges;
};
extern std::mutex mutex;
extern Settings settings;
extern Counts counts;
extern int lost;                 // the error that every call gives since the device was lost; 0 before
extern thread_local int device;  // the current one
extern thread_local int last_error;

unsigned draw(unsigned below);
void fault(const char* format, ...) __attribute__((format(printf, 1, 2)));
void issued(const std::string& name);
void lose(int error);
int failed(int error);
int unsupported(const char* name);

// A call of the API: nothing but the error once the device is lost.
template <class Body>
int called(Body body) {
    std::lock_guard<std::mutex> lock(mutex);
    return failed(lost ? lost : body());
}

// ---- memory.cpp
enum Kind { PINNED = 1, DEVICE = 2, MANAGED = 3 };  // as cudaMemoryType has them
struct Block {
    char* start;
    size_t size;
    int device;
    Kind kind;
    char* map;
    size_t mapped;
};
extern size_t used[MOST_DEVICES];

int allocate(void** out, size_t size, Kind kind);
int release(void* p);
void adopt(void* p, size_t size, int device);  // a module's own variable
void disown(void* p);
Block* block_of(const void* p);  // the one that p lies in, or at the end of
bool on_device(const void* p, size_t bytes);
std::string whereabouts(const void* p);
void check_margins(Block& block, const char* who);
void check_all_margins();

// ---- streams.cpp: work that is queued, and done when something waits for it
struct Mark {
    bool done = false;
};
typedef std::shared_ptr<Mark> Place;  // in a stream
typedef std::function<void()> Job;
struct Work {
    Job run;
    std::vector<Place> waits;
    Place mark;
};
struct Capture;
typedef std::shared_ptr<Capture> CaptureOf;
struct Stream {
    int device = 0;
    unsigned flags = 0;
    int priority = 0;
    std::deque<Work> queue;
    bool busy = false;  // with work that others may issue more behind
    Place last;
    CaptureOf capture;
    std::set<int> tail;  // the nodes that captured work comes after
};
Stream* stream_of(void* handle);
bool is_legacy(const Stream* s);
bool is_blocking(const Stream* s);
Place push(Stream* s, Job run, std::vector<Place> waits = {});
void drain(Stream* s);
void drain_device(int which);
void drain_all();
void wait_for(Place mark);
bool do_some();  // some work that is ready, if any is
void apart(const Job& job);  // a job that waits for others, without the mutex
int synchronize(Stream* s, const char* who);
enum Where { HERE, ANYWHERE };  // must the stream be of the current device?
int issue(Stream* s, const std::string& name, Job run, Where where = HERE);

// ---- graphs.cpp: work that is recorded
int recorded(Stream* s, const std::string& name, Job run);
int disturbs_capture(const std::string& name);  // work of the legacy stream: an error, or 0
int forbidden(const char* who);                 // a call that captures forbid: an error, or 0
int wait_uncaptured(Stream* s);                 // for one that was not
int invalidate(const CaptureOf& capture, int error);
void abandon(const CaptureOf& capture);
bool capturing();
int wait_captured(Stream* s, const CaptureOf& from, const std::set<int>& tail);  // for a place that was recorded

// ---- fibers.cpp: a kernel's threads
struct Dim {
    unsigned x, y, z;
};
struct Host {  // what a module calls
    void (*wait)(bool whole_block);
    void (*exchange)(void* value, unsigned bytes, int lane);
};
struct Image {  // what a module has; include/hostthreads.h has the same
    Dim *grid, *block, *block_index, *thread_index;
    char *shared, *shared_end;
    Host* host;
};
struct Entry {
    void (*enter)(void** arguments);
    int count;
    const size_t* sizes;
    const unsigned char* pointers;
};
extern const Host HOST;
void run_kernel(const char* name, const Image& image, const Entry& entry, void** arguments, Dim grid, Dim block);
}  // namespace standin

API int standin_unsupported(const char* name);  // for those who have not taken the mutex
