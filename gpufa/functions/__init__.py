"""Tables of formulas: a row is a name, its NumPy form, its derivative and its CUDA text."""
