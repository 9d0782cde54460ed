"""One training by several processes, timed beside one process and beside PyTorch's own way."""
