"""What samples are: what was asked about them and taken, their targets, parts, weights and scalings."""
