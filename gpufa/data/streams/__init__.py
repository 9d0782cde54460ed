"""Rows that stay in their file and are read as they are asked for."""
