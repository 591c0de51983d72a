"""Graphs as text in languages that others draw: Mermaid for Markdown, DOT for Graphviz."""

from application.pictures.dot import to_dot
from application.pictures.mermaid import to_mermaid

__all__ = ["to_dot", "to_mermaid"]
