"""What every backend does, what its operations take, and what they are made of where NumPy's words do."""
