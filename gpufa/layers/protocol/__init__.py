"""What a layer is, and what layers and the pass that they stand in know of each other."""
