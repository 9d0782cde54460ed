"""Layers of tokens, as nets of text have them."""
