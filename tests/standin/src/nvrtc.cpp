// NVRTC: the real one, where there is one, tells what is wrong with a source; the host's compiler makes what will run.
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <regex>
#include <sstream>

#include "standin.h"

extern char** environ;

namespace {
enum { COMPILATION = 6, NO_SUCH_NAME = 10, MANGLED = 11 };

struct Program {
    std::string source, log, image;
    void* real = nullptr;
};

std::string folder;
std::vector<std::string> compiler;
void* library;  // the real NVRTC

template <class F>
F real(const char* name) {
    return library ? (F)dlsym(library, name) : nullptr;
}

std::string read(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

pid_t start(const std::vector<std::string>& command, const std::string& log) {
    std::vector<char*> arguments, variables;
    for (const std::string& word : command) arguments.push_back((char*)word.c_str());
    for (char** v = environ; *v; v++)
        if (strncmp(*v, "LD_PRELOAD=", 11)) variables.push_back(*v);  // a sanitizer is for us alone
    arguments.push_back(nullptr), variables.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    pid_t child = -1;
    if (posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), variables.data())) child = -1;
    posix_spawn_file_actions_destroy(&actions);
    return child;
}

int finish(pid_t child) {
    int status = -1;
    return child < 0 || waitpid(child, &status, 0) < 0 ? -1 : status;
}

// CUDA C that a C++ compiler takes, with a table of its kernels.
std::string translated(const std::string& source) {
    static const std::regex dynamic(R"(extern\s+__shared__\s+([^;\[\]]*?)\s*(\w+)\s*\[\s*\])");
    static const std::regex kernel(
        R"(extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\()");
    std::string text = std::regex_replace(source, dynamic, "__shared__ $1 $2[49152 / sizeof($1)]") + "\n";
    const std::string all = text;
    for (std::sregex_iterator at(all.begin(), all.end(), kernel), none; at != none; ++at)
        text += "STANDIN_KERNEL(" + (*at)[1].str() + ")\n";
    return text;
}

std::vector<std::string> passed_on(int n, const char** options) {
    std::vector<std::string> kept;
    for (int i = 0; i < n; i++) {
        const std::string option = options[i];
        const bool cuda = option.find("cuda") != std::string::npos || option.find("_cccl") != std::string::npos;
        if (!option.compare(0, 2, "-D") || (!option.compare(0, 2, "-I") && !cuda)) kept.push_back(option);
    }
    return kept;
}

// Its status; what it says goes into the log. Machine code of ours is test_kernels.py's, and CuPy's own needs no proof.
int really_compile(Program& p, int n, const char** options) {
    if (!p.real || p.source.find("#include <cupy/") != std::string::npos) return 0;
    std::vector<std::string> words(options, options + n);  // to PTX alone
    std::vector<const char*> given;
    for (std::string& word : words) {
        if (const size_t at = word.find("=sm_"); at != std::string::npos) word.replace(at, 4, "=compute_");
        given.push_back(word.c_str());
    }
    const int status = real<int (*)(void*, int, const char**)>("nvrtcCompileProgram")(p.real, n, given.data());
    size_t size = 0;
    real<int (*)(void*, size_t*)>("nvrtcGetProgramLogSize")(p.real, &size);
    p.log.resize(size);
    real<int (*)(void*, char*)>("nvrtcGetProgramLog")(p.real, &p.log[0]);
    p.log = p.log.c_str();
    return status;
}

int compile(Program& p, int n, const char** options) {
    const std::string text = translated(p.source);
    const std::vector<std::string> more = passed_on(n, options);
    std::string key = text;
    for (const std::string& word : more) key += '\0' + word;
    char name[40];
    snprintf(name, sizeof name, "%016zx%016zx", std::hash<std::string>()(key), std::hash<std::string>()(key + "again"));
    p.image = folder + "/" + name + ".so";
    if (!access(p.image.c_str(), R_OK)) return 0;

    static std::atomic<int> compiled{0};
    const std::string work = folder + "/" + name + "." + std::to_string(getpid()) + "." + std::to_string(compiled++);
    const std::string cpp = work + ".cpp", made = work + ".so", log = work + ".log";
    std::ofstream(cpp) << text;
    std::vector<std::string> command;
    for (const std::string& word : compiler) {
        if (word == "SOURCE") command.insert(command.end(), more.begin(), more.end());
        command.push_back(word == "SOURCE" ? cpp : word == "MADE" ? made : word);
    }
    const pid_t child = start(command, log);
    int status = really_compile(p, n, options);  // while the other compiles
    const bool failed = finish(child);
    if (failed && !status) status = COMPILATION, p.log += read(log);
    if (!status) rename(made.c_str(), p.image.c_str());
    for (const std::string& path : {cpp, made, log}) unlink(path.c_str());
    return status;
}

int give(const std::string& text, char* out) { return memcpy(out, text.c_str(), text.size() + 1), 0; }
}  // namespace

// Where kernels are kept, the words of the command that compiles SOURCE to MADE, a line each, and the real NVRTC's path
// or nothing.
API void standin_compile(const char* where, const char* command, const char* nvrtc) {
    folder = where;
    std::istringstream lines(command);
    for (std::string line; std::getline(lines, line);) compiler.push_back(line);
    library = *nvrtc ? dlopen(nvrtc, RTLD_NOW | RTLD_LOCAL) : nullptr;
}

API int nvrtcVersion(int* major, int* minor) {
    if (auto f = real<int (*)(int*, int*)>("nvrtcVersion")) return f(major, minor);
    return *major = STANDIN_CUDA / 1000, *minor = STANDIN_CUDA % 1000 / 10, 0;
}
API int nvrtcGetNumSupportedArchs(int* n) {
    if (auto f = real<int (*)(int*)>("nvrtcGetNumSupportedArchs")) return f(n);
    return *n = 1, 0;
}
API int nvrtcGetSupportedArchs(int* known) {
    if (auto f = real<int (*)(int*)>("nvrtcGetSupportedArchs")) return f(known);
    return *known = 90, 0;
}
API const char* nvrtcGetErrorString(int status) {
    if (auto f = real<const char* (*)(int)>("nvrtcGetErrorString")) return f(status);
    return status == COMPILATION ? "NVRTC_ERROR_COMPILATION" : status ? "NVRTC_ERROR" : "NVRTC_SUCCESS";
}
API int nvrtcCreateProgram(Program** out, const char* source, const char* name, int n, const char** headers,
                           const char** names) {
    *out = new Program{source, "", ""};
    if (auto f = real<int (*)(void**, const char*, const char*, int, const char**, const char**)>("nvrtcCreateProgram"))
        return f(&(*out)->real, source, name, n, headers, names);
    return 0;
}
API int nvrtcDestroyProgram(Program** p) {
    if ((*p)->real) real<int (*)(void**)>("nvrtcDestroyProgram")(&(*p)->real);
    delete *p;
    return *p = nullptr, 0;
}
API int nvrtcCompileProgram(Program* p, int n, const char** options) { return compile(*p, n, options); }
API int nvrtcAddNameExpression(Program*, const char*) { return standin_unsupported("a name expression"), NO_SUCH_NAME; }
API int nvrtcGetLoweredName(Program*, const char*, const char**) { return MANGLED; }
API int nvrtcGetPTXSize(Program* p, size_t* n) { return *n = p->image.size() + 1, 0; }
API int nvrtcGetPTX(Program* p, char* out) { return give(p->image, out); }
API int nvrtcGetCUBINSize(Program* p, size_t* n) { return *n = p->image.size() + 1, 0; }
API int nvrtcGetCUBIN(Program* p, char* out) { return give(p->image, out); }
API int nvrtcGetProgramLogSize(Program* p, size_t* n) { return *n = p->log.size() + 1, 0; }
API int nvrtcGetProgramLog(Program* p, char* out) { return give(p->log, out); }
API int nvrtcGetLTOIRSize(Program*, size_t*) { return standin_unsupported("LTO"); }
API int nvrtcGetLTOIR(Program*, char*) { return standin_unsupported("LTO"); }
