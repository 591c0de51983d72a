"""Models and tools as a tape has them, or as they come onto it."""
