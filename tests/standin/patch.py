"""Puts the stand-in in the place of the CUDA runtime that CuPy's modules hold within themselves.

Each module is loaded before Python imports it, and a jump is written over the start of each of the runtime's functions,
whose places its symbol table tells.
"""

import ctypes
import json
import mmap
import os
import re
from pathlib import Path

from . import build

MODULES = ("cupy_backends/cuda/api/runtime", "cupy/cuda/thrust", "cupy/cuda/cub")
REPLACED = re.compile(r"cuda[A-Z]\w*(?<!_ptsz)(?<!_ptds)$|_Z\d+thrust_(arg|lex)?sort")
WRITABLE = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
_kept: list[object] = []  # loaded libraries, code and text that must stay where they are


def keep(thing: object) -> None:
    _kept.append(thing)


def patch_all(standin: ctypes.CDLL, folder: Path) -> None:
    for name, places in _places(folder).items():
        _patch(standin, build.extension(name), places)


def _places(folder: Path) -> dict[str, dict[str, int]]:
    """{module: {function: offset}}, kept in a file."""
    kept = folder / "places.json"
    if not kept.exists():
        found = {name: _functions(build.extension(name)) for name in MODULES}
        new = folder / f"places-{os.getpid()}.json"
        new.write_text(json.dumps(found))
        new.replace(kept)
    return json.loads(kept.read_text())


def _functions(library: Path) -> dict[str, int]:
    lines = [words for words in build.symbols(library) if len(words) == 3 and words[1] in "tT"]
    return {name: int(at, 16) for at, _, name in lines if name.startswith("PyInit_") or REPLACED.match(name)}


def _patch(standin: ctypes.CDLL, path: Path, places: dict[str, int]) -> None:
    module, libc = ctypes.CDLL(str(path)), ctypes.CDLL(None, use_errno=True)
    keep(module)
    known = next(name for name in places if name.startswith("PyInit_"))
    base = _address(getattr(module, known)) - places.pop(known)
    missing = _Stubs(_address(standin.standin_unsupported), len(places))
    for name, offset in places.items():
        target = _address(getattr(standin, name)) if hasattr(standin, name) else missing.stub(name)
        jump = b"\xff\x25\0\0\0\0" + target.to_bytes(8, "little")  # jmp *0(%rip)
        at = base + offset
        page = at - at % mmap.PAGESIZE
        if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(at + len(jump) - page), WRITABLE):
            raise OSError(ctypes.get_errno(), f"{path.name} can't be patched")
        ctypes.memmove(at, jump, len(jump))


class _Stubs:
    """Code for functions that the stand-in lacks: each says its name, and fails."""

    SIZE = 32

    def __init__(self, unsupported: int, count: int) -> None:
        self.target, self.used = unsupported, 0
        self.space = mmap.mmap(-1, self.SIZE * max(count, 1), prot=WRITABLE)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.space))
        keep(self.space)

    def stub(self, name: str) -> int:
        text = ctypes.create_string_buffer(name.encode())
        keep(text)
        load_name = b"\x48\xbf" + ctypes.addressof(text).to_bytes(8, "little")  # mov text, %rdi
        load_target = b"\x48\xb8" + self.target.to_bytes(8, "little")  # mov target, %rax
        at, self.used = self.used, self.used + self.SIZE
        self.space[at : at + 22] = load_name + load_target + b"\xff\xe0"  # jmp *%rax
        return self.base + at


def _address(function: object) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value
