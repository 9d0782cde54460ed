"""What a network is made of, and what a learning rule is handed."""
