"""Budgets: what a process holds of them while it makes calls, who looks after them, and what may be asked of them."""
