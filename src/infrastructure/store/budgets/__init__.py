"""Budgets and their accounts: what is the same on both databases, and how each does several things as one."""
