"""Graphs as pictures that need no other program."""
