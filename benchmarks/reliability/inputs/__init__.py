"""Config, commands, data files and the Python API, fed with what they were not made for."""
