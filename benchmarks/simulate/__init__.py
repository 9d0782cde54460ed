"""What a training by many processes would take, by a model that is fed with what was measured here."""
