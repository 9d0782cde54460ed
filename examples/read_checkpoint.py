"""Read a run's checkpoint with h5py alone: python examples/read_checkpoint.py runs/digits-dfa/checkpoint.h5"""

import json
import sys

import h5py

with h5py.File(sys.argv[1]) as file:
    metadata = json.loads(bytes(file.attrs["metadata"]))
    print("trained by rule", metadata["network"]["rule"]["name"], "with layers", metadata["network"]["sizes"])
    print("W1 of every seed:", file["parameters/W1"].shape)
    print("test error after each epoch, %:", file["history/epochs/test_error"][:, 0])
