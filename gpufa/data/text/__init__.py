"""Text as tokens, and windows of them."""
