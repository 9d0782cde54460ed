"""How far a run has come, and when it stops."""
