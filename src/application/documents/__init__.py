"""Graphs as they are written (JSON, or YAML read into JSON) and the domain's graphs: the one codec between the two."""

from application.documents.graphs import parse_graph, read_graph, summary
from application.documents.reading import pointer_to
from application.documents.schema import editor_schema
from application.documents.writing import dump_graph

__all__ = ["dump_graph", "editor_schema", "parse_graph", "pointer_to", "read_graph", "summary"]
