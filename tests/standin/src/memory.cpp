// The device's memory: pages of the host between pages that fault, never zero until it is written.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "standin.h"

extern "C" void __asan_poison_memory_region(const volatile void*, size_t) __attribute__((weak));
extern "C" void __asan_unpoison_memory_region(const volatile void*, size_t) __attribute__((weak));

namespace standin {
namespace {
const unsigned char FRESH = 0xFF, MARGIN = 0xFB;  // NaN in every type of float, -1 in every integer
const size_t CHUNK = 2 << 20, MOST_FREED = 4096;
std::map<uintptr_t, Block> blocks;
std::deque<Block> freed;  // not given back at once: whoever uses it still is found

int fresh_pages() {
    static const int file = [] {
        const int made = memfd_create("fresh", MFD_CLOEXEC);
        const std::string bytes(CHUNK, (char)FRESH);
        return write(made, bytes.data(), CHUNK) == (ssize_t)CHUNK ? made : -1;
    }();
    return file;
}

size_t pages(size_t bytes) { return (bytes + PAGE - 1) / PAGE * PAGE; }

char* end_of(const Block& b) { return b.map + b.mapped - PAGE; }

// [from, to) of the margins on both sides.
std::pair<char*, char*> before(const Block& b) { return {b.map + PAGE, b.start}; }
std::pair<char*, char*> behind(const Block& b) { return {b.start + b.size, end_of(b)}; }

void sanitize(const Block& b, void (*mark)(const volatile void*, size_t)) {
    if (!mark) return;
    for (auto [from, to] : {before(b), behind(b)}) mark(from, to - from);
}

void set_margins(const Block& b) {
    for (auto [from, to] : {before(b), behind(b)}) memset(from, MARGIN, to - from);
    sanitize(b, __asan_poison_memory_region);
}
}  // namespace

size_t used[MOST_DEVICES];

Block* block_of(const void* p) {
    auto found = blocks.upper_bound((uintptr_t)p);
    if (found == blocks.begin()) return nullptr;
    Block& b = (--found)->second;
    return (const char*)p <= b.start + b.size ? &b : nullptr;
}

bool on_device(const void* p, size_t bytes) {
    const Block* b = block_of(p);
    return b && b->kind != PINNED && (const char*)p + bytes <= b->start + b->size;
}

std::string whereabouts(const void* p) {
    char text[200];
    const char* at = (const char*)p;
    if (const Block* b = block_of(p)) {
        const char* kind = b->kind == PINNED ? "pinned memory" : "memory of device";
        snprintf(text, sizeof text, "%p, in an allocation of %zu bytes, %s %d", p, b->size, kind, b->device);
        return text;
    }
    for (const auto& [start, b] : blocks)
        if (b.map && at >= b.map && at < b.map + b.mapped) {
            const bool under = at < b.start;
            snprintf(text, sizeof text, "%p, %zd bytes %s of an allocation of %zu bytes", p,
                     under ? b.start - at : at - b.start - (ssize_t)b.size, under ? "before the start" : "past the end",
                     b.size);
            return text;
        }
    for (const Block& b : freed)
        if (at >= b.map && at < b.map + b.mapped) {
            snprintf(text, sizeof text, "%p, in an allocation of %zu bytes that was freed", p, b.size);
            return text;
        }
    snprintf(text, sizeof text, "%p, which is no memory of the device", p);
    return text;
}

int allocate(void** out, size_t size, Kind kind) {
    *out = nullptr;
    const bool counted = kind != PINNED;
    if (counted && (size > settings.memory[device] || used[device] > settings.memory[device] - size))
        return cudaErrorMemoryAllocation;
    const size_t body = pages(std::max<size_t>(size, 1)), all = body + 2 * PAGE;
    const int plain = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char* map = (char*)mmap(nullptr, all, PROT_NONE, plain, -1, 0);
    if (map == MAP_FAILED) return cudaErrorMemoryAllocation;
    for (size_t at = 0; at < body; at += CHUNK)
        if (mmap(map + PAGE + at, std::min(CHUNK, body - at), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fresh_pages(), 0) == MAP_FAILED) {
            munmap(map, all);
            return cudaErrorMemoryAllocation;
        }
    char* start = map + PAGE + (settings.guard ? body - (size + 15) / 16 * 16 : 0);
    const Block made = {start, size, device, kind, map, all};
    set_margins(made);
    blocks[(uintptr_t)start] = made;
    if (counted) used[device] += size, counts.mallocs++;
    *out = start;
    return 0;
}

int release(void* p) {
    if (!p) return 0;
    auto found = blocks.find((uintptr_t)p);
    if (found == blocks.end()) {
        fault("what is freed was never allocated, or was freed before: %s", whereabouts(p).c_str());
        return cudaErrorInvalidValue;
    }
    Block b = found->second;
    check_margins(b, "what was done before it was freed");
    blocks.erase(found);
    if (b.kind != PINNED) used[b.device] -= b.size, counts.frees++;
    sanitize(b, __asan_unpoison_memory_region);
    mmap(b.map, b.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    freed.push_back(b);
    if (freed.size() > MOST_FREED) {
        munmap(freed.front().map, freed.front().mapped);
        freed.pop_front();
    }
    return 0;
}

void adopt(void* p, size_t size, int device) { blocks[(uintptr_t)p] = {(char*)p, size, device, DEVICE, nullptr, 0}; }

void disown(void* p) { blocks.erase((uintptr_t)p); }

void check_margins(Block& b, const char* who) {
    if (!b.map || __asan_poison_memory_region) return;  // the sanitizer tells more, and forbids to look
    static const std::string untouched(2 * PAGE, (char)MARGIN);
    const char* side = "before the start";
    for (auto [from, to] : {before(b), behind(b)}) {
        if (memcmp(from, untouched.data(), to - from)) {
            fault("%s: bytes %s of an allocation of %zu bytes were written", who, side, b.size);
            memset(from, MARGIN, to - from);
        }
        side = "past the end";
    }
}

void check_all_margins() {
    for (auto& [start, b] : blocks) check_margins(b, "some work");
}
}  // namespace standin
