"""The CPU, through NumPy and SciPy's BLAS."""
