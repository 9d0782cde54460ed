// Runs a block's threads as fibers, in a chosen order, switching at barriers and warp exchanges.
#include <setjmp.h>
#include <stdlib.h>
#include <ucontext.h>

#include <utility>
#include <vector>

#include "cudahost.h"

dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace {
enum Waiting { NOT, BLOCK, WARP };
enum Order { FORWARD, REVERSE, RANDOM };
enum Fault { NONE, EARLY_RETURN, DEADLOCK };
const size_t STACK = 1 << 16;

struct Fiber {
    ucontext_t context;
    jmp_buf at;
    dim3 thread;
    bool started, done;
    Waiting waiting;
    unsigned char slot[16];
};
std::vector<Fiber*> fibers;
ucontext_t scheduler;
jmp_buf back;
int current;
void (*body)(void**);
void** arguments;
uint64_t state = 88172645463325252ull;

unsigned draw(unsigned below) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state % below;
}

// A context is entered once by swapcontext; from then on jumps are enough, and need no system call.
void leave() {
    Fiber& me = *fibers[current];
    if (_setjmp(me.at) == 0) _longjmp(back, 1);
    threadIdx = me.thread;
}

// A fiber is made once and does thread after thread.
void start() {
    for (;;) {
        body(arguments);
        fibers[current]->done = true;
        leave();
    }
}

void enter(int i) {
    Fiber& f = *fibers[current = i];
    threadIdx = f.thread;
    if (_setjmp(back)) return;
    if (f.started) _longjmp(f.at, 1);
    f.started = true;
    swapcontext(&scheduler, &f.context);
}

// Threads that hang in the middle of a kernel are given up.
Fault give_up(Fault fault) {
    fibers.clear();
    return fault;
}

Fault run_block(int n, Order order) {
    std::vector<int> turns(n);
    while ((int)fibers.size() < n) {
        Fiber& f = *new Fiber;
        f.started = false;
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = malloc(STACK), f.context.uc_stack.ss_size = STACK, f.context.uc_link = nullptr;
        makecontext(&f.context, start, 0);
        fibers.push_back(&f);
    }
    for (int i = 0; i < n; i++) {
        Fiber& f = *fibers[i];
        f.thread = {i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y)};
        f.done = false, f.waiting = NOT;
        turns[i] = order == REVERSE ? n - 1 - i : i;
    }
    for (;;) {
        if (order == RANDOM)
            for (int i = n - 1; i > 0; i--) std::swap(turns[i], turns[draw(i + 1)]);
        bool moved = false;
        for (int i : turns)
            if (!fibers[i]->done && fibers[i]->waiting == NOT) moved = true, enter(i);
        int alive = 0, at_barrier = 0;
        for (int warp = 0; warp < n; warp += 32) {
            int here = 0, waiting = 0;
            const int end = warp + 32 < n ? warp + 32 : n;
            for (int i = warp; i < end; i++) {
                const Fiber& f = *fibers[i];
                alive += !f.done, here += !f.done;
                at_barrier += !f.done && f.waiting == BLOCK, waiting += !f.done && f.waiting == WARP;
            }
            if (waiting && waiting == here)
                for (int i = warp; i < end; i++) fibers[i]->waiting = NOT, moved = true;
        }
        if (!alive) return NONE;
        if (at_barrier == alive) {
            if (alive < n) return give_up(EARLY_RETURN);
            for (int i = 0; i < n; i++) fibers[i]->waiting = NOT;
        } else if (!moved)
            return give_up(DEADLOCK);
    }
}
}  // namespace

extern "C" void cudahost_wait(bool whole_block) {
    fibers[current]->waiting = whole_block ? BLOCK : WARP;
    leave();
}

extern "C" void cudahost_exchange(void* value, unsigned bytes, int lane) {
    const int me = current;
    memcpy(fibers[me]->slot, value, bytes);
    cudahost_wait(false);
    memcpy(value, fibers[me / 32 * 32 + lane]->slot, bytes);
    cudahost_wait(false);
}

extern "C" int cudahost_launch(void (*kernel)(void**), void** args, const unsigned* grid, const unsigned* block,
                               int has_barriers, int order) {
    gridDim = {grid[0], grid[1], grid[2]}, blockDim = {block[0], block[1], block[2]};
    body = kernel, arguments = args;
    const int n = block[0] * block[1] * block[2];
    const long long blocks = (long long)grid[0] * grid[1] * grid[2];
    for (long long at = 0; at < blocks; at++) {
        const long long b = order == REVERSE ? blocks - 1 - at : at;
        blockIdx = {(unsigned)(b % grid[0]), (unsigned)(b / grid[0] % grid[1]), (unsigned)(b / grid[0] / grid[1])};
        if (has_barriers) {
            if (const Fault fault = run_block(n, (Order)order)) return fault;
            continue;
        }
        for (int t = 0; t < n; t++) {
            const unsigned i = order == REVERSE ? n - 1 - t : t;
            threadIdx = {i % block[0], i / block[0] % block[1], i / (block[0] * block[1])};
            kernel(args);
        }
    }
    return NONE;
}
