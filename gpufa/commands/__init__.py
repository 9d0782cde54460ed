"""What is typed, and what is seen."""
