"""Arrays of samples, and where they come from."""
