"""Errors through other weights than the transposed ones."""
