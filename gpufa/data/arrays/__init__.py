"""Files of arrays and of images, and which array in them is what."""
