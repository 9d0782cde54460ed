"""Layers that learn from what they see."""
