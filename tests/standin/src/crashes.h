// What a GPU would make of a kernel's crash, in place of the death of the process.
#pragma once
#include <signal.h>

#include "standin.h"

namespace standin {
struct Crash {
    int signal;  // 0 for none
    void* address;
};
extern Crash crash;
extern void* scheduler;  // the stack that a crash goes back to

// While it lasts, a crash of this thread goes back to the scheduler.
class Guarded {
   public:
    Guarded();
    ~Guarded();

   private:
    struct sigaction before[4];
    stack_t stack_before;
};

void tell_crash(const char* kernel);  // as a fault; the device is lost
}  // namespace standin
