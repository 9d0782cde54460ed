"""What a net's blocks are, and what they have of which a rule may need."""
