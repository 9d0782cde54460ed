// Runs a kernel block by block, its threads as fibers in a chosen order, switching at barriers and warp exchanges.
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <array>

#include "standin.h"

// Leaves one stack for another, with what a call must keep. A fault resumes the scheduler's from a signal handler.
asm(R"(
    .text
    .hidden standin_switch, standin_resume
    .globl standin_switch, standin_resume
standin_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
standin_resume:
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
extern "C" void standin_switch(void** left, void* entered);
extern "C" void standin_resume();

namespace standin {
namespace {
enum State : unsigned char { READY, AT_WARP, AT_BLOCK, DONE };
const size_t STACK = 1 << 18, SIGNAL_STACK = 1 << 16;
const int SIGNALS[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};

struct Fiber {
    char* stack;
    void* at;
    int thread;
};
struct Running {
    const Image* image;
    const Entry* entry;
    void** arguments;
    std::vector<int> turns;  // the order in which threads start
    size_t started;
    std::vector<State> states;
    std::vector<Fiber*> fibers;  // of each thread that waits
    std::vector<std::array<unsigned char, 32>> slots;
};
struct Fault {
    int signal;
    void* address;
};
Running block;
Fault crash;
std::vector<Fiber*> idle;
Fiber* current;
void* scheduler;
thread_local bool inside = false;  // a kernel

void leave() { standin_switch(&current->at, scheduler); }

void take(int thread) {
    const Dim size = *block.image->block;
    const unsigned t = thread;
    current->thread = thread;
    *block.image->thread_index = {t % size.x, t / size.x % size.y, t / size.x / size.y};
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

void reset(Fiber* f) {
    void** top = (void**)(f->stack + PAGE + STACK) - 2;
    *top = (void*)work;  // where the switch returns to
    f->at = top - 6;
}

Fiber* idle_fiber() {
    if (idle.empty()) {
        char* stack = (char*)mmap(nullptr, PAGE + STACK, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        mprotect(stack, PAGE, PROT_NONE);
        idle.push_back(new Fiber{stack});
        reset(idle.back());
    }
    Fiber* f = idle.back();
    idle.pop_back();
    return f;
}

void enter(Fiber* f) {
    current = f;
    standin_switch(&scheduler, f->at);
}

void resume(int thread) {
    Fiber* f = block.fibers[thread];
    const unsigned t = thread;
    const Dim size = *block.image->block;
    *block.image->thread_index = {t % size.x, t / size.x % size.y, t / size.x / size.y};
    enter(f);
}

void wait(bool whole_block) {
    block.states[current->thread] = whole_block ? AT_BLOCK : AT_WARP;
    block.fibers[current->thread] = current;
    leave();
}

void exchange(void* value, unsigned bytes, int lane) {
    const int me = current->thread, other = me / 32 * 32 + lane;
    memcpy(block.slots[me].data(), value, bytes);
    wait(false);
    if (other < (int)block.slots.size()) memcpy(value, block.slots[other].data(), bytes);
    wait(false);
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
    block.states.assign(n, READY);
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

void on_signal(int signal, siginfo_t* info, void* context) {
    if (!inside) {  // not ours: again, and as the system has it
        ::signal(signal, SIG_DFL);
        return;
    }
    crash = {signal, info->si_addr};
    auto& registers = ((ucontext_t*)context)->uc_mcontext.gregs;
    registers[REG_RSI] = (greg_t)scheduler, registers[REG_RIP] = (greg_t)standin_resume;
}

// While it lasts, a fault in a kernel is told and survived.
struct Guarded {
    struct sigaction before[4];
    stack_t stack_before;
    Guarded() {
        static thread_local std::vector<char> space(SIGNAL_STACK);
        const stack_t stack = {space.data(), 0, SIGNAL_STACK};
        sigaltstack(&stack, &stack_before);
        struct sigaction action = {};
        action.sa_sigaction = on_signal, action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        for (int i = 0; i < 4; i++) sigaction(SIGNALS[i], &action, &before[i]);
        inside = true;
    }
    ~Guarded() {
        inside = false;
        for (int i = 0; i < 4; i++) sigaction(SIGNALS[i], &before[i], nullptr);
        sigaltstack(&stack_before, nullptr);
    }
};

void tell(const char* name, const char* wrong) {
    const bool memory = crash.signal == SIGSEGV || crash.signal == SIGBUS;
    if (memory) fault("%s reads or writes at %s", name, whereabouts(crash.address).c_str());
    else if (crash.signal) fault("%s %s", name, crash.signal == SIGFPE ? "divides by zero" : "stops in a trap");
    else fault("%s: %s", name, wrong);
    lose(memory ? cudaErrorIllegalAddress : cudaErrorLaunchFailure);
    idle.clear();  // what hangs in the middle of the kernel is given up
    crash = {};
}
}  // namespace

const Host HOST = {wait, exchange};

void run_kernel(const char* name, const Image& image, const Entry& entry, void** arguments, Dim grid, Dim size) {
    *image.grid = grid, *image.block = size;
    const int n = size.x * size.y * size.z;
    block.image = &image, block.entry = &entry, block.arguments = arguments;
    block.turns.resize(n), block.fibers.resize(n), block.slots.resize(n);
    const Order order = settings.order == ANY ? (Order)draw(3) : settings.order;
    const long long blocks = (long long)grid.x * grid.y * grid.z;
    const char* wrong = nullptr;
    Guarded guarded;
    for (long long at = 0; at < blocks && !wrong && !crash.signal; at++) {
        const long long b = order == REVERSE ? blocks - 1 - at : at;
        *image.block_index = {unsigned(b % grid.x), unsigned(b / grid.x % grid.y), unsigned(b / grid.x / grid.y)};
        wrong = run_block(order);
    }
    if (wrong || crash.signal) tell(name, wrong);
}
}  // namespace standin
