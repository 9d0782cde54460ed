"""Layers of windows that go over the places of maps."""
