"""Rules of recurrent nets that carry forward in time what others send back."""
