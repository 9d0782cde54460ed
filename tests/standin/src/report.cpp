// Settings, counts, faults, and the functions that Python calls.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "standin.h"

namespace standin {
namespace {
const size_t MOST_NAMES = 100000;
std::deque<std::string> names, faults;

unsigned long long number(const char* name, unsigned long long otherwise) {
    const char* text = getenv(name);
    return text && *text ? strtoull(text, nullptr, 10) : otherwise;
}

Settings from_environment() {
    Settings made = {};
    made.devices = number("GPUFA_STANDIN_DEVICES", 2);
    made.lazy = number("GPUFA_STANDIN_LAZY", 1);
    made.guard = number("GPUFA_STANDIN_GUARD", 0);
    made.trace = number("GPUFA_STANDIN_TRACE", 0);
    made.order = ANY;
    for (size_t& bytes : made.memory) bytes = number("GPUFA_STANDIN_MEMORY", 4ull << 30);
    if (made.devices > MOST_DEVICES) made.devices = MOST_DEVICES;
    return made;
}

uint64_t state = number("GPUFA_STANDIN_SEED", 0) * 2654435761u + 88172645463325252ull;

std::string lines(std::deque<std::string>& from) {
    std::string text;
    for (const std::string& line : from) text += line + '\n';
    from.clear();
    return text;
}

const char* kept(std::string text) {
    static thread_local std::string last;
    return (last = std::move(text)).c_str();
}
}  // namespace

std::mutex mutex;
Settings settings = from_environment();
Counts counts = {};
int lost = 0;
thread_local int device = 0;
thread_local int last_error = 0;

unsigned draw(unsigned below) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (state >> 16) % below;
}

void fault(const char* format, ...) {
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    fprintf(stderr, "[stand-in GPU] %s\n", text);
    faults.push_back(text);
}

void issued(const std::string& name) {
    if (settings.trace) fprintf(stderr, "[stand-in GPU] issues %s\n", name.c_str());
    names.push_back(name);
    if (names.size() > MOST_NAMES) names.pop_front();
}

void lose(int error) {
    if (!lost) lost = error;
}

int failed(int error) {
    if (error) last_error = error;
    return error;
}

int unsupported(const char* name) {
    fault("%s is not done by the stand-in", name);
    return failed(cudaErrorNotSupported);
}
}  // namespace standin

using namespace standin;
typedef std::lock_guard<std::mutex> Lock;

API int standin_unsupported(const char* name) {
    Lock lock(mutex);
    return unsupported(name);
}
API const char* standin_counts() {
    Lock lock(mutex);
    std::string text;
#define COUNT(name) text += #name " " + std::to_string(counts.name) + "\n";
    COUNT(launches)
    COUNT(products)
    COUNT(copies) COUNT(bytes) COUNT(fills) COUNT(syncs) COUNT(graph_launches) COUNT(graph_nodes) COUNT(captures)
        COUNT(mallocs) COUNT(frees) COUNT(event_records) COUNT(event_waits) COUNT(modules) COUNT(exchanges)
#undef COUNT
            return kept(text);
}
API const char* standin_launched() {
    Lock lock(mutex);
    return kept(lines(names));
}
API const char* standin_faults() {
    Lock lock(mutex);
    check_all_margins();
    return kept(lines(faults));
}
API void standin_seed(unsigned long long seed) {
    Lock lock(mutex);
    state = seed * 2654435761u + 88172645463325252ull;
}
API void standin_lose(int error) {
    Lock lock(mutex);
    lost = error;
}
API void standin_limit(unsigned long long bytes, int which) {
    Lock lock(mutex);
    settings.memory[which] = bytes;
}
API void standin_guard(int on) {
    Lock lock(mutex);
    settings.guard = on;
}
API void standin_lazy(int on) {
    Lock lock(mutex);
    if (!on) drain_all();
    settings.lazy = on;
}
API void standin_order(int order) {
    Lock lock(mutex);
    settings.order = (Order)order;
}
