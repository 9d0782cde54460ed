"""Networks and runs in HDF5 files, and networks in pickles."""

from . import pickles  # noqa: F401  makes networks picklable
