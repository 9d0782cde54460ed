// Signals while a kernel runs: the faults of a GPU.
#include "crashes.h"

#include <ucontext.h>

extern "C" void standin_resume();  // in fibers.cpp

namespace standin {
namespace {
const size_t SIGNAL_STACK = 1 << 16;
const int SIGNALS[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
thread_local bool inside = false;  // a kernel

void on_signal(int signal, siginfo_t* info, void* context) {
    if (!inside) {  // not ours: again, and as the system has it
        ::signal(signal, SIG_DFL);
        return;
    }
    crash = {signal, info->si_addr};
    auto& registers = ((ucontext_t*)context)->uc_mcontext.gregs;
    registers[REG_RSI] = (greg_t)scheduler, registers[REG_RIP] = (greg_t)standin_resume;
}
}  // namespace

Crash crash;

Guarded::Guarded() {
    static thread_local std::vector<char> space(SIGNAL_STACK);
    const stack_t stack = {space.data(), 0, SIGNAL_STACK};
    sigaltstack(&stack, &stack_before);
    struct sigaction action = {};
    action.sa_sigaction = on_signal, action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (int i = 0; i < 4; i++) sigaction(SIGNALS[i], &action, &before[i]);
    inside = true;
}

Guarded::~Guarded() {
    inside = false;
    for (int i = 0; i < 4; i++) sigaction(SIGNALS[i], &before[i], nullptr);
    sigaltstack(&stack_before, nullptr);
}

void tell_crash(const char* kernel) {
    const bool memory = crash.signal == SIGSEGV || crash.signal == SIGBUS;
    if (memory)
        fault("%s reads or writes at %s", kernel, whereabouts(crash.address).c_str());
    else
        fault("%s %s", kernel, crash.signal == SIGFPE ? "divides by zero" : "stops in a trap");
    lose(memory ? cudaErrorIllegalAddress : cudaErrorLaunchFailure);
    crash = {};
}
}  // namespace standin
