// The driver's API, as much of it as CuPy calls: modules are shared libraries that nvrtc.cpp compiled.
#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "standin.h"

using namespace standin;

namespace {
struct Module {
    void* handle;
    int device;
    std::set<void*> variables;
};
struct Function {
    std::string name;
    const Image* image;
    const Entry* entry;
    int device;
};

int load(Module** out, const char* path) {
    if (const int error = forbidden("cuModuleLoadData")) return error;
    if (*path != '/') {
        fault("an image is none that the stand-in compiled");
        return cudaErrorInvalidKernelImage;
    }
    void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        fault("%s", dlerror());
        return cudaErrorInvalidKernelImage;
    }
    const Image& image = *(const Image*)dlsym(handle, "standin_image");
    *image.host = HOST;
    counts.modules++;
    *out = new Module{handle, device, {}};
    return 0;
}

int find(Function** out, const Module& module, const std::string& name) {
    const auto* entry = (const Entry*)dlsym(module.handle, ("standin_kernel_" + name).c_str());
    if (!entry) return cudaErrorSymbolNotFound;
    *out = new Function{name, (const Image*)dlsym(module.handle, "standin_image"), entry, module.device};
    return 0;
}

int variable(void** out, size_t* size, Module& module, const char* name) {
    Dl_info info;
    const ElfW(Sym)* symbol = nullptr;
    void* at = dlsym(module.handle, name);
    if (!at || !dladdr1(at, &info, (void**)&symbol, RTLD_DL_SYMENT) || !symbol) return cudaErrorSymbolNotFound;
    if (module.variables.insert(at).second) adopt(at, symbol->st_size, module.device);
    *out = at, *size = symbol->st_size;
    return 0;
}

// A launch's arguments, kept until it runs.
struct Arguments {
    std::vector<std::vector<char>> values;
    std::vector<void*> pointers;

    Arguments(const Entry& entry, void** given) {
        for (int i = 0; i < entry.count; i++) {
            const char* value = (const char*)given[i];
            values.emplace_back(value, value + entry.sizes[i]);
        }
        for (auto& value : values) pointers.push_back(value.data());
    }
};

// Whether every array is the device's own; where one is not, a GPU fails if it is so much as read.
bool arrays_are_its_own(const Function& f, const Arguments& arguments, int where) {
    for (int i = 0; i < f.entry->count; i++) {
        if (!f.entry->pointers[i]) continue;
        const void* p = *(void**)arguments.pointers[i];
        const Block* b = p ? block_of(p) : nullptr;
        const bool wrong = p && (!b || (b->kind == DEVICE && b->device != where));
        if (!wrong) continue;
        fault("%s: argument %d is %s", f.name.c_str(), i, whereabouts(p).c_str());
        lose(cudaErrorIllegalAddress);
        return false;
    }
    return true;
}

void run(const Function& f, Arguments& arguments, int where, Dim grid, Dim block) {
    if (!arrays_are_its_own(f, arguments, where)) return;
    run_kernel(f.name.c_str(), *f.image, *f.entry, arguments.pointers.data(), grid, block);
    for (int i = 0; i < f.entry->count; i++)
        if (f.entry->pointers[i])
            if (Block* b = block_of(*(void**)arguments.pointers[i])) check_margins(*b, f.name.c_str());
}

bool is_possible(Dim grid, Dim block, unsigned shared) {
    const bool some = grid.x && grid.y && grid.z && block.x && block.y && block.z;
    return some && grid.x < 1u << 31 && grid.y < 1u << 16 && grid.z < 1u << 16 && block.z <= 64 && shared <= 48 << 10 &&
           (unsigned long long)block.x * block.y * block.z <= 1024;
}

int launch(const Function& f, Dim grid, Dim block, unsigned shared, Stream* stream, void** given) {
    if (!is_possible(grid, block, shared)) {
        fault("%s: a grid of %u x %u x %u blocks of %u x %u x %u threads and %u bytes can't be launched",
              f.name.c_str(), grid.x, grid.y, grid.z, block.x, block.y, block.z, shared);
        return cudaErrorInvalidValue;
    }
    if (f.device != device) {
        fault("%s was loaded on device %d, and is launched while %d is current", f.name.c_str(), f.device, device);
        return cudaErrorInvalidResourceHandle;
    }
    counts.launches++;
    issued(f.name);
    const auto arguments = std::make_shared<Arguments>(*f.entry, given);
    return issue(stream, f.name, [=, where = device] { run(f, *arguments, where, grid, block); });
}
}  // namespace

API int cuModuleLoadData(Module** out, const void* image) {
    return called([&] { return load(out, (const char*)image); });
}
API int cuModuleUnload(Module* module) {
    std::lock_guard<std::mutex> lock(mutex);
    drain_all();
    for (void* p : module->variables) disown(p);
    delete module;  // what was loaded stays: graphs may hold its kernels
    return 0;
}
API int cuModuleGetFunction(Function** out, Module* module, const char* name) {
    return called([&] { return find(out, *module, name); });
}
API int cuModuleGetGlobal_v2(void** p, size_t* size, Module* module, const char* name) {
    return called([&] { return variable(p, size, *module, name); });
}
API int cuLaunchKernel(Function* f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                       unsigned shared, void* stream, void** arguments, void**) {
    return called([&] { return launch(*f, {gx, gy, gz}, {bx, by, bz}, shared, stream_of(stream), arguments); });
}
API int cuFuncGetAttribute(int* value, int attribute, Function*) { return *value = attribute ? 0 : 1024, 0; }
API int cuFuncSetAttribute(Function*, int, int) { return 0; }
API int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Function*, int, size_t) { return *blocks = 2, 0; }
API int cuOccupancyMaxPotentialBlockSize(int* grid, int* block, Function*, void*, size_t, int) {
    return *grid = 264, *block = 1024, 0;
}

// NVRTC asks for these two, and goes on as on a machine without a driver.
API int cuInit(unsigned) { return cudaErrorNoDevice; }
API int cuGetExportTable(const void** table, const void*) { return *table = nullptr, cudaErrorSymbolNotFound; }

API int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
API int cuCtxGetCurrent(intptr_t* context) { return *context = 0x1000 + device, 0; }
API int cuCtxSetCurrent(intptr_t context) { return device = context - 0x1000, 0; }
API int cuCtxGetDevice(int* current) { return *current = device, 0; }
API int cuStreamGetCtx(void*, intptr_t* context) { return cuCtxGetCurrent(context); }
