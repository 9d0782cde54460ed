"""What a run trains on, and how its batches are made."""
