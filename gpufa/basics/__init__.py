"""What everybody needs: errors, checks of arguments, files, random numbers."""
