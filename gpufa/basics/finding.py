"""What an examination of this machine finds."""

from typing import NamedTuple


class Finding(NamedTuple):
    """How something is; where that is not as it should be, why it matters, the one command that mends it, and whether
    it `weighs`: stops something, or makes it slow."""

    what: str
    state: str
    why: str = ""
    mend: str = ""
    weighs: bool = False
