// Capture and graphs: what is recorded is replayed in any order that its dependencies allow.
#include <pthread.h>

#include "standin.h"

namespace standin {
struct Node {
    std::string name;
    Job run;
    std::set<int> needs;
};
struct Graph {
    int device;
    std::vector<Node> nodes;
};
struct Capture {
    std::shared_ptr<Graph> graph;
    cudaStreamCaptureMode mode;
    Stream* origin;
    std::set<Stream*> streams;
    pthread_t thread;
    bool invalid = false;
};

namespace {
std::set<CaptureOf> captures;
typedef std::shared_ptr<Graph> GraphOf;

void replay(const Graph& graph) {
    std::vector<bool> done(graph.nodes.size());
    for (size_t left = done.size(); left && !lost; left--) {
        std::vector<int> able;
        for (size_t i = 0; i < done.size(); i++) {
            bool free = !done[i];
            for (int need : graph.nodes[i].needs) free = free && done[need];
            if (free) able.push_back(i);
        }
        const int next = able[draw(able.size())];
        graph.nodes[next].run();
        done[next] = true;
    }
}

// The nodes that those of `tail` come after, and they themselves.
std::set<int> reached(const Graph& graph, const std::set<int>& tail) {
    std::set<int> found;
    std::vector<int> left(tail.begin(), tail.end());
    while (!left.empty()) {
        const int i = left.back();
        left.pop_back();
        if (found.insert(i).second) left.insert(left.end(), graph.nodes[i].needs.begin(), graph.nodes[i].needs.end());
    }
    return found;
}

int begin(Stream* s, cudaStreamCaptureMode mode) {
    if (!s) return cudaErrorInvalidResourceHandle;
    if (is_legacy(s)) return cudaErrorStreamCaptureUnsupported;
    if (s->capture) return cudaErrorIllegalState;
    counts.captures++;
    const auto graph = std::make_shared<Graph>(Graph{s->device, {}});
    s->capture = std::make_shared<Capture>(Capture{graph, mode, s, {s}, pthread_self()});
    s->tail.clear();
    captures.insert(s->capture);
    return 0;
}

int end(Stream* s, GraphOf** out) {
    *out = nullptr;
    if (!s || !s->capture) return cudaErrorIllegalState;
    const CaptureOf capture = s->capture;
    if (capture->origin != s) return invalidate(capture, cudaErrorStreamCaptureUnmatched);
    if (capture->mode != cudaStreamCaptureModeRelaxed && !pthread_equal(capture->thread, pthread_self()))
        return cudaErrorStreamCaptureWrongThread;
    int error = capture->invalid ? cudaErrorStreamCaptureInvalidated : 0;
    const std::set<int> joined = reached(*capture->graph, s->tail);
    for (Stream* other : capture->streams) {
        for (int i : other->tail)
            if (!error && !joined.count(i)) {
                error = cudaErrorStreamCaptureUnjoined;
                fault("%s was captured on a stream that was not joined", capture->graph->nodes[i].name.c_str());
            }
        other->capture = nullptr, other->tail.clear();
    }
    captures.erase(capture);
    if (!error) *out = new GraphOf(capture->graph);
    return error;
}

int launch(const GraphOf& graph, Stream* s) {
    counts.graph_launches++, counts.graph_nodes += graph->nodes.size();
    return issue(s, "graph", [graph] { replay(*graph); });
}
}  // namespace

bool capturing() { return !captures.empty(); }

int invalidate(const CaptureOf& capture, int error) {
    capture->invalid = true;
    return error;
}

void abandon(const CaptureOf& capture) {
    const CaptureOf kept = capture;  // though every stream lets it go
    for (Stream* s : kept->streams) s->capture = nullptr, s->tail.clear();
    captures.erase(kept);
}

int recorded(Stream* s, const std::string& name, Job run) {
    Capture& capture = *s->capture;
    if (capture.invalid) return cudaErrorStreamCaptureInvalidated;
    capture.graph->nodes.push_back({name, std::move(run), s->tail});
    s->tail = {(int)capture.graph->nodes.size() - 1};
    return 0;
}

int disturbs_capture(const std::string& name) {
    for (const CaptureOf& capture : captures) {
        for (Stream* s : capture->streams)
            if (is_blocking(s)) {
                fault("%s is issued on the legacy stream while a blocking stream is captured", name.c_str());
                return invalidate(capture, cudaErrorStreamCaptureImplicit);
            }
        if (pthread_equal(capture->thread, pthread_self()))  // CUDA says nothing; it is not in the graph
            fault("%s is issued on the legacy stream by a thread that captures another", name.c_str());
    }
    return 0;
}

int forbidden(const char* who) {
    for (const CaptureOf& capture : captures) {
        const bool ours = pthread_equal(capture->thread, pthread_self());
        if (capture->mode == cudaStreamCaptureModeGlobal ||
            (capture->mode == cudaStreamCaptureModeThreadLocal && ours)) {
            fault("%s during a capture", who);
            return invalidate(capture, cudaErrorStreamCaptureUnsupported);
        }
    }
    return 0;
}

int wait_uncaptured(Stream* s) {
    fault("a captured stream waits for work that is not captured");
    return invalidate(s->capture, cudaErrorStreamCaptureIsolation);
}

int wait_captured(Stream* s, const CaptureOf& from, const std::set<int>& tail) {
    if (!captures.count(from)) {
        fault("a stream waits for an event that was recorded in a capture that has ended");
        return cudaErrorCapturedEvent;
    }
    if (is_legacy(s)) return invalidate(from, cudaErrorStreamCaptureImplicit);
    if (s->capture && s->capture != from) return invalidate(s->capture, cudaErrorStreamCaptureMerge);
    if (!s->capture) s->capture = from, s->tail.clear(), from->streams.insert(s);
    s->tail.insert(tail.begin(), tail.end());
    return 0;
}
}  // namespace standin

using namespace standin;

API int cudaStreamBeginCapture(void* s, cudaStreamCaptureMode mode) {
    return called([&] { return begin(stream_of(s), mode); });
}
API int cudaStreamEndCapture(void* s, GraphOf** graph) {
    std::lock_guard<std::mutex> lock(mutex);
    const int error = end(stream_of(s), graph);  // of a lost device, too
    return failed(lost ? lost : error);
}
API int cudaStreamIsCapturing(void* handle, cudaStreamCaptureStatus* status) {
    return called([&]() -> int {
        Stream* s = stream_of(handle);
        if (!s) return cudaErrorInvalidResourceHandle;
        *status = !s->capture           ? cudaStreamCaptureStatusNone
                  : s->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                        : cudaStreamCaptureStatusActive;
        return 0;
    });
}
API int cudaGraphInstantiate(GraphOf** out, GraphOf* graph, unsigned long long) {
    return called([&] {
        *out = new GraphOf(*graph);
        return 0;
    });
}
API int cudaGraphInstantiateWithFlags(GraphOf** out, GraphOf* graph, unsigned long long flags) {
    return cudaGraphInstantiate(out, graph, flags);
}
API int cudaGraphDestroy(GraphOf* graph) {
    std::lock_guard<std::mutex> lock(mutex);
    delete graph;
    return 0;
}
API int cudaGraphExecDestroy(GraphOf* graph) { return cudaGraphDestroy(graph); }
API int cudaGraphUpload(GraphOf*, void*) { return 0; }
API int cudaGraphLaunch(GraphOf* graph, void* s) {
    return called([&] { return launch(*graph, stream_of(s)); });
}
