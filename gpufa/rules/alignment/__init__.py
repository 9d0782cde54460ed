"""Errors through other weights than the transposed ones, layer by layer."""
