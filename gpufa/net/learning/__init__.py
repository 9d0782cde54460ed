"""What a learning rule is, and where its gradients go."""
