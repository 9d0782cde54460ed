"""What stays of a net from one step to the next."""
