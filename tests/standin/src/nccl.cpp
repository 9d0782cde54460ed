// NCCL between processes of one machine: a file that they all have in their memory. What is asked of it is work of its
// stream, done by a thread of its own where nobody waits for it, as a GPU would.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "standin.h"

using namespace standin;

namespace {
enum Status { SUCCESS = 0, SYSTEM_ERROR = 2, INVALID_ARGUMENT = 4, INVALID_USAGE = 5 };
enum Type { INT8 = 0, UINT8 = 1, INT32 = 2, INT64 = 4, FLOAT32 = 7, FLOAT64 = 8 };
const int VERSION = 22500, MOST_ENDS = 8, SUM = 0, LOOK = 20;  // microseconds
const size_t PIECE = 1 << 16;

struct Asked {  // what an end asks for, which has to be the same of all
    char what[16];
    size_t bytes;
    int type, root, captured;
};
struct Mail {
    std::atomic<int> full;
    char bytes[PIECE];
};
struct Shared {
    std::atomic<int> joined, arrived, turn;
    int devices[MOST_ENDS];
    Asked asked[MOST_ENDS];
    char pieces[MOST_ENDS][PIECE];
    Mail mail[MOST_ENDS][MOST_ENDS];  // from, to
};
struct Id {
    char internal[128];
};
struct Comm {
    Shared* shared;
    int size, rank, device;
    std::atomic<bool> cut;
};

size_t size_of(int type) { return type == INT8 || type == UINT8 ? 1 : type == INT32 || type == FLOAT32 ? 4 : 8; }

// ---- the thread that does what is queued
std::thread* worker = nullptr;
std::atomic<bool> over(false);

void stop_working() {
    over = true;
    if (worker) worker->join();
}

void work() {
    while (!over) {
        usleep(LOOK * 10);
        std::lock_guard<std::mutex> lock(mutex);
        while (!over && do_some()) {
        }
    }
}

// ---- the ends
template <class Done>
bool wait_until(Comm& c, Done done) {
    while (!done()) {
        if (c.cut || over) return false;
        usleep(LOOK);
    }
    return true;
}

bool all_here(Comm& c) {
    Shared& s = *c.shared;
    const int turn = s.turn;
    if (s.arrived.fetch_add(1) + 1 == c.size) {
        s.arrived = 0, s.turn++;
        return true;
    }
    return wait_until(c, [&] { return s.turn != turn; });
}

bool agree(Comm& c, const Asked& asked) {
    Shared& s = *c.shared;
    s.asked[c.rank] = asked;
    if (!all_here(c)) return false;
    bool alike = true;
    for (int i = 0; i < c.size; i++) alike = alike && !memcmp(&s.asked[i], &asked, sizeof asked);
    if (!all_here(c)) return false;
    if (alike) return true;
    std::lock_guard<std::mutex> lock(mutex);
    fault("NCCL: the ends of a line ask for different things, this one for %s%s of %zu bytes", asked.what,
          asked.captured ? ", captured," : "", asked.bytes);
    lose(cudaErrorLaunchFailure);
    return false;
}

template <class T>
void add_up(Comm& c, char* to, size_t bytes) {
    T* const sum = (T*)to;
    for (size_t i = 0; i < bytes / sizeof(T); i++) {
        sum[i] = ((T*)c.shared->pieces[0])[i];
        for (int rank = 1; rank < c.size; rank++) sum[i] += ((T*)c.shared->pieces[rank])[i];
    }
}

void all_reduce(Comm& c, const char* from, char* to, size_t bytes, int type) {
    for (size_t at = 0; at < bytes; at += PIECE) {
        const size_t n = std::min(PIECE, bytes - at);
        memcpy(c.shared->pieces[c.rank], from + at, n);
        if (!all_here(c)) return;
        type == FLOAT32 ? add_up<float>(c, to + at, n) : add_up<double>(c, to + at, n);
        if (!all_here(c)) return;
    }
}

void broadcast(Comm& c, const char* from, char* to, size_t bytes, int root) {
    for (size_t at = 0; at < bytes; at += PIECE) {
        const size_t n = std::min(PIECE, bytes - at);
        if (c.rank == root) memcpy(c.shared->pieces[root], from + at, n);
        if (!all_here(c)) return;
        memmove(to + at, c.shared->pieces[root], n);
        if (!all_here(c)) return;
    }
}

void send(Comm& c, const char* from, size_t bytes, int to) {
    Mail& mail = c.shared->mail[c.rank][to];
    for (size_t at = 0; at < bytes; at += PIECE) {
        if (!wait_until(c, [&] { return mail.full == 0; })) return;
        memcpy(mail.bytes, from + at, std::min(PIECE, bytes - at));
        mail.full = 1;
    }
}

void receive(Comm& c, char* to, size_t bytes, int from) {
    Mail& mail = c.shared->mail[from][c.rank];
    for (size_t at = 0; at < bytes; at += PIECE) {
        if (!wait_until(c, [&] { return mail.full != 0; })) return;
        memcpy(to + at, mail.bytes, std::min(PIECE, bytes - at));
        mail.full = 0;
    }
}

int refuse(int status, const char* why) {
    fault("NCCL: %s", why);
    return status;
}

// Puts it into its stream, behind what is there; others may issue work while it waits.
template <class Body>
int issue_on(Comm* c, void* handle, const Asked& asked, std::vector<const void*> places, Body body) {
    std::lock_guard<std::mutex> lock(mutex);
    if (!c) return refuse(INVALID_ARGUMENT, "there is no such communicator");
    for (const void* place : places)
        if (!on_device(place, asked.bytes)) return refuse(INVALID_ARGUMENT, "it is given what is no memory of the device");
    Stream* s = stream_of(handle);
    if (!s || s->device != c->device) return refuse(INVALID_ARGUMENT, "its stream is of another device");
    Asked own = asked;
    own.captured = s->capture != nullptr;
    counts.exchanges++;
    issued(asked.what);
    return issue(s, asked.what, [=] { apart([=] { body(own); }); }, ANYWHERE) ? INVALID_USAGE : SUCCESS;
}

Asked wanted(const char* what, size_t bytes, int type, int root) {
    Asked asked;
    memset(&asked, 0, sizeof asked);
    strncpy(asked.what, what, sizeof asked.what - 1);
    asked.bytes = bytes, asked.type = type, asked.root = root;
    return asked;
}

Shared* opened(const char* name) {
    const int file = open(name, O_RDWR | O_CLOEXEC);
    if (file < 0) return nullptr;
    void* const at = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return at == MAP_FAILED ? nullptr : (Shared*)at;
}
}  // namespace

API const char* ncclGetErrorString(int status) {
    return status == SUCCESS            ? "no error"
           : status == SYSTEM_ERROR     ? "unhandled system error"
           : status == INVALID_ARGUMENT ? "invalid argument"
                                        : "invalid usage";
}
API int ncclGetVersion(int* number) { return *number = VERSION, SUCCESS; }
API int ncclGetUniqueId(Id* id) {
    memset(id, 0, sizeof *id);
    strcpy(id->internal, "/dev/shm/gpufa-nccl-XXXXXX");
    const int file = mkstemp(id->internal);
    if (file < 0) return SYSTEM_ERROR;
    const bool made = !ftruncate(file, sizeof(Shared));
    close(file);
    return made ? SUCCESS : SYSTEM_ERROR;
}
API int ncclCommInitRankConfig(Comm** out, int size, Id id, int rank, void*) {
    Shared* const shared = opened(id.internal);
    if (!shared) return SYSTEM_ERROR;
    if (size < 1 || size > MOST_ENDS || rank < 0 || rank >= size) return INVALID_ARGUMENT;
    Comm* const c = new Comm{shared, size, rank, device, {false}};
    shared->devices[rank] = device;
    shared->joined++;
    if (!wait_until(*c, [&] { return shared->joined >= size; })) return SYSTEM_ERROR;
    unlink(id.internal);
    for (int other = 0; other < size; other++)
        if (other != rank && shared->devices[other] == device) return INVALID_USAGE;  // two share a GPU
    std::lock_guard<std::mutex> lock(mutex);
    if (!worker) {
        worker = new std::thread(work);
        atexit(stop_working);
    }
    *out = c;
    return SUCCESS;
}
API int ncclCommInitRank(Comm** out, int size, Id id, int rank) {
    return ncclCommInitRankConfig(out, size, id, rank, nullptr);
}
API int ncclCommDestroy(Comm* c) {
    std::lock_guard<std::mutex> lock(mutex);
    return refuse(SUCCESS, "a communicator is destroyed, which would wait for graphs that use it");
}
API int ncclCommAbort(Comm* c) { return c->cut = true, SUCCESS; }
API int ncclCommGetAsyncError(Comm*, int* status) { return *status = SUCCESS; }
API int ncclCommCuDevice(Comm* c, int* number) { return *number = c->device, SUCCESS; }
API int ncclCommUserRank(Comm* c, int* number) { return *number = c->rank, SUCCESS; }
API int ncclCommCount(Comm* c, int* number) { return *number = c->size, SUCCESS; }

API int ncclAllReduce(const void* from, void* to, size_t n, int type, int op, Comm* c, void* stream) {
    if (op != SUM || (type != FLOAT32 && type != FLOAT64)) return INVALID_ARGUMENT;
    const size_t bytes = n * size_of(type);
    return issue_on(c, stream, wanted("all-reduce", bytes, type, 0), {from, to}, [=](const Asked& asked) {
        if (agree(*c, asked)) all_reduce(*c, (const char*)from, (char*)to, bytes, type);
    });
}
API int ncclBroadcast(const void* from, void* to, size_t n, int type, int root, Comm* c, void* stream) {
    const size_t bytes = n * size_of(type);
    return issue_on(c, stream, wanted("broadcast", bytes, type, root), {from, to}, [=](const Asked& asked) {
        if (agree(*c, asked)) broadcast(*c, (const char*)from, (char*)to, bytes, root);
    });
}
API int ncclSend(const void* from, size_t n, int type, int to, Comm* c, void* stream) {
    const size_t bytes = n * size_of(type);
    return issue_on(c, stream, wanted("send", bytes, type, to), {from},
                    [=](const Asked&) { send(*c, (const char*)from, bytes, to); });
}
API int ncclRecv(void* to, size_t n, int type, int from, Comm* c, void* stream) {
    const size_t bytes = n * size_of(type);
    return issue_on(c, stream, wanted("receive", bytes, type, from), {to},
                    [=](const Asked&) { receive(*c, (char*)to, bytes, from); });
}
