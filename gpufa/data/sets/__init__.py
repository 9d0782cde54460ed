"""Sets known by name, and the forms that their files have."""
