"""Targets, or gradients, made by learned models."""
