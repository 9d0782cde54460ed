"""What tells how a network does: scores, angles, histories."""
