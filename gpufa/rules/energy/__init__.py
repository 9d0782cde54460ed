"""Units that settle."""
