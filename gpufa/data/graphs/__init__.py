"""Graphs, whose samples are their nodes."""
