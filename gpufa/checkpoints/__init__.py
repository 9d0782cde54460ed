"""Networks and runs in HDF5 files."""
