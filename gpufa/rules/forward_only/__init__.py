"""Forward passes alone."""
