"""Backpropagation, and frozen hidden layers."""
