"""Signals straight to every hidden layer, past those between."""
