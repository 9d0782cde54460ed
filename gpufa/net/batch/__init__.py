"""One batch going through a net, and signals going down in it."""
