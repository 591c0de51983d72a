"""What Redis adds: speed between processes. Nothing durable lives there; losing all of it loses time, and nothing else."""
