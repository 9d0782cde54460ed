"""The notebooks of examples/ as pages of the site, without outputs, which they are kept without."""

import json
from pathlib import Path


def page(path: Path) -> str:
    """A notebook's cells one below the other."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = [("".join(cell["source"]), cell["cell_type"]) for cell in cells]
    return "\n\n".join(text if kind == "markdown" else f"```python\n{text}\n```" for text, kind in texts)


def foot(name: str) -> str:
    """Where the notebook itself is to be had."""
    return f"\n\nThis page is the notebook [{name}](../source/{name}); run, its cells show what they come to.\n"
