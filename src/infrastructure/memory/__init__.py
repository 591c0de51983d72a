"""What Redis keeps for all processes, kept for one: where there is no Redis, and while it does not answer."""
