"""The reference: a page for each part of the public API, made of docstrings by mkdocstrings."""

import inspect
from types import ModuleType

import gpufa
import gpufa.layers
import gpufa.sklearn

# Told with what they inherit: the settings of Config, and methods of the estimators, stand in bases of theirs.
WHOLE = "gpufa.Config", "gpufa.sklearn.FeedbackClassifier", "gpufa.sklearn.FeedbackRegressor"
MODULES = gpufa.layers, gpufa.sklearn


def pages() -> dict[str, str]:
    """By place on the site: gpufa's classes, its functions and errors together, and the modules beside it."""
    public = {name: getattr(gpufa, name) for name in gpufa.__all__ if name != "__version__"}
    classes = {name: one for name, one in public.items() if inspect.isclass(one)}
    errors = {name for name, one in classes.items() if issubclass(one, Exception)}
    functions = [name for name in public if name not in classes]
    made = {"reference/functions.md": together("Functions", functions)}
    made |= {f"reference/{name}.md": entry(f"gpufa.{name}", 1) for name in sorted(classes.keys() - errors)}
    made["reference/errors.md"] = together("Errors and warnings", sorted(errors))
    return made | {f"reference/{module.__name__}.md": of_module(module) for module in MODULES}


def together(title: str, names: list[str]) -> str:
    return f"# {title}\n\n" + "\n".join(entry(f"gpufa.{name}", 2) for name in names)


def of_module(module: ModuleType) -> str:
    """The public classes and functions of a module; tables in it are left to its own pages."""
    told = [name for name in module.__all__ if inspect.isclass(one := getattr(module, name)) or inspect.isfunction(one)]
    entries = (entry(f"{module.__name__}.{name}", 2) for name in told)
    return f"# {module.__name__}\n\n{inspect.getdoc(module)}\n\n" + "\n".join(entries)


def entry(path: str, level: int) -> str:
    """What mkdocstrings makes of one object, under a heading of that level."""
    inherited = str(path in WHOLE).lower()
    return f"::: {path}\n    options: {{heading_level: {level}, inherited_members: {inherited}}}\n"
