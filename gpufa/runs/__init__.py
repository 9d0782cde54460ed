"""A run in its folder."""
