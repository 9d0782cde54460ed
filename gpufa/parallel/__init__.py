"""Processes that train one net together: what they tell each other, and which part of the work is whose."""
