"""With GPUFA_STANDIN=1 and this folder on PYTHONPATH, a Python process has the stand-in GPU once it imports CuPy."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Install:
    """Stands before the finders of modules until CuPy is looked for."""

    def find_spec(self, name, path=None, target=None):
        if name in ("cupy", "cupy_backends"):
            sys.meta_path.remove(self)
            sys.path.append(os.path.dirname(os.path.dirname(HERE)))
            try:
                import standin
            finally:
                sys.path.pop()
            if not standin.why_not():
                standin.install()


def others():
    """The sitecustomize that this one hides."""
    rest = [path for path in sys.path if os.path.abspath(path) != HERE]
    for finder in sys.meta_path:
        if (found := finder.find_spec("sitecustomize", rest)) and found.origin != __file__:
            return found.loader.get_code("sitecustomize")
    return None


if (code := others()) is not None:
    exec(code, {"__name__": "sitecustomize", "__file__": code.co_filename})
if os.environ.get("GPUFA_STANDIN") == "1":
    sys.meta_path.insert(0, Install())
