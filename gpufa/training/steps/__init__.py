"""One step of training, in each way that there is."""
