"""The settings of a run, and what they may be."""
