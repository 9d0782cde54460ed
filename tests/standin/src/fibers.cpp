// Runs a kernel block by block, its threads as fibers in a chosen order, switching at barriers and warp exchanges.
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "crashes.h"

// A fault enters the scheduler's stack from a signal handler, as `change` does.
asm(R"(
    .text
    .hidden standin_resume
    .globl standin_resume
standin_resume:
    movq %rsi, %rsp
    popq %rax
    jmp *%rax
)");

// Leaves one stack for another, by a jump: where a return goes a processor foresees by the calls before it, which were
// another stack's.
static inline __attribute__((always_inline)) void change(void** left, void* entered) {
    asm volatile(R"(
        subq $128, %%rsp
        pushq %%rbp
        leaq 1f(%%rip), %%rax
        pushq %%rax
        movq %%rsp, (%0)
        movq %1, %%rsp
        popq %%rax
        jmp *%%rax
    1:  popq %%rbp
        addq $128, %%rsp
    )"
                 : "+D"(left), "+S"(entered)
                 :
                 : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
                   "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
                   "xmm14", "xmm15", "cc", "memory");
}

namespace standin {
namespace {
enum State : unsigned char { READY, AT_WARP, AT_BLOCK, DONE };
const size_t STACK = 1 << 18;

struct Fiber {
    char* stack;
    void* at;
    int thread;
};
struct Running {
    const Image* image;
    const Entry* entry;
    void** arguments;
    std::vector<Dim> places;  // threadIdx of each thread
    std::vector<int> turns;   // the order in which threads start
    size_t started;
    std::vector<State> states;
    std::vector<Fiber*> fibers;  // of each thread that waits
    std::vector<std::array<unsigned char, 32>> slots[2];  // of one exchange, and of the next
    std::vector<unsigned char> exchanges;                 // of each thread, even or odd
};
Running block;
std::vector<Fiber*> idle;
Fiber* current;

void leave() { change(&current->at, scheduler); }

void take(int thread) {
    current->thread = thread;
    *block.image->thread_index = block.places[thread];
}

// A fiber does thread after thread until one waits.
void work() {
    for (;;) {
        while (block.started < block.turns.size()) {
            take(block.turns[block.started++]);
            block.entry->enter(block.arguments);
            block.states[current->thread] = DONE;
        }
        idle.push_back(current);
        leave();
    }
}

void prepare(Fiber* f) {
    static size_t made = 0;
    const size_t shift = made++ % 64 * 64;  // or all tops would share a few lines of the cache
    void** top = (void**)(f->stack + PAGE + STACK - shift) - 2;
    *top = (void*)work;
    f->at = top;
}

Fiber* idle_fiber() {
    if (idle.empty()) {
        char* stack = (char*)mmap(nullptr, PAGE + STACK, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        mprotect(stack, PAGE, PROT_NONE);
        idle.push_back(new Fiber{stack});
        prepare(idle.back());
    }
    Fiber* f = idle.back();
    idle.pop_back();
    return f;
}

void enter(Fiber* f) {
    current = f;
    change(&scheduler, f->at);
}

void resume(int thread) {
    *block.image->thread_index = block.places[thread];
    enter(block.fibers[thread]);
}

void wait(bool whole_block) {
    block.states[current->thread] = whole_block ? AT_BLOCK : AT_WARP;
    block.fibers[current->thread] = current;
    leave();
}

// One wait is enough: who writes to the same slots again has met all others in the exchange between.
void exchange(void* value, unsigned bytes, int lane) {
    const int me = current->thread, other = me / 32 * 32 + lane;
    auto& slots = block.slots[block.exchanges[me] ^= 1];
    memcpy(slots[me].data(), value, bytes);
    wait(false);
    if (other < (int)slots.size()) memcpy(value, slots[other].data(), bytes);
}

void arrange(Order order) {
    if (order == REVERSE) std::reverse(block.turns.begin(), block.turns.end());
    if (order == RANDOM)
        for (int i = block.turns.size() - 1; i > 0; i--) std::swap(block.turns[i], block.turns[draw(i + 1)]);
}

// Lets threads go on whose barrier all have reached; says what is wrong where none can.
const char* release_barriers() {
    const int n = block.states.size();
    int alive = 0, at_block = 0;
    bool moved = false;
    for (int warp = 0; warp < n; warp += 32) {
        const auto from = block.states.begin() + warp, to = block.states.begin() + std::min(warp + 32, n);
        const int here = (to - from) - std::count(from, to, DONE), waiting = std::count(from, to, AT_WARP);
        alive += here, at_block += std::count(from, to, AT_BLOCK);
        if (waiting && waiting == here) std::replace(from, to, AT_WARP, READY), moved = true;
    }
    if (alive && at_block == alive) {
        if (alive < n) return "a thread returned before a barrier that others reached";
        std::fill(block.states.begin(), block.states.end(), READY);
        return nullptr;
    }
    return moved || !alive ? nullptr : "threads wait at different barriers";
}

const char* run_block(Order order) {
    const int n = block.turns.size();
    for (int i = 0; i < n; i++) block.turns[i] = i;
    arrange(order);
    block.started = 0;
    block.states.assign(n, READY), block.exchanges.assign(n, 0);
    memset(block.image->shared, 0xFF, block.image->shared_end - block.image->shared);
    while (block.started < block.turns.size() && !crash.signal) enter(idle_fiber());
    while (!crash.signal && std::count(block.states.begin(), block.states.end(), DONE) < n) {
        if (const char* wrong = release_barriers()) return wrong;
        if (order == RANDOM) arrange(order);
        for (int thread : block.turns)
            if (block.states[thread] == READY && !crash.signal) resume(thread);
    }
    return nullptr;
}

void tell(const char* name, const char* wrong) {
    if (crash.signal) {
        tell_crash(name);
    } else {
        fault("%s: %s", name, wrong);
        lose(cudaErrorLaunchFailure);
    }
    idle.clear();  // what hangs in the middle of the kernel is given up
}
}  // namespace

void* scheduler;

const Host HOST = {wait, exchange};

void run_kernel(const char* name, const Image& image, const Entry& entry, void** arguments, Dim grid, Dim size) {
    *image.grid = grid, *image.block = size;
    const int n = size.x * size.y * size.z;
    block.image = &image, block.entry = &entry, block.arguments = arguments;
    block.places.resize(n);
    for (unsigned t = 0; t < (unsigned)n; t++) block.places[t] = {t % size.x, t / size.x % size.y, t / size.x / size.y};
    block.turns.resize(n), block.fibers.resize(n);
    for (auto& slots : block.slots) slots.resize(n);
    const Order order = settings.order == ANY ? (Order)draw(3) : settings.order;
    const long long blocks = (long long)grid.x * grid.y * grid.z;
    const char* wrong = nullptr;
    const Guarded guarded;
    for (long long at = 0; at < blocks && !wrong && !crash.signal; at++) {
        const long long b = order == REVERSE ? blocks - 1 - at : at;
        *image.block_index = {unsigned(b % grid.x), unsigned(b / grid.x % grid.y), unsigned(b / grid.x / grid.y)};
        wrong = run_block(order);
    }
    if (wrong || crash.signal) tell(name, wrong);
}
}  // namespace standin
