"""An installation examined from outside, without changing it."""
