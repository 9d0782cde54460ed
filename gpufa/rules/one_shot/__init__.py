"""Weights solved for, or searched."""
