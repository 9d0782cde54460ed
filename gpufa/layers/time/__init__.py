"""Layers that go through time step by step, and the traces that they carry forward."""
