"""Layers that go unit by unit, or from all units to all."""
