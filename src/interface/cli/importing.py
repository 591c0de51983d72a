"""`weft import`: workflows of other systems as documents of ours."""

import json
from pathlib import Path

from application.errors import ValidationError
from application.views import json_object
from application.wfformat import Order, graph_of
from interface.cli.documents import read_document, write_text
from interface.cli.failures import of_weft_error
from interface.yaml_writing import dump_document


def imported(file: Path, scale: float, concurrency: int, order: str, out: Path | None) -> None:
    """As YAML, or as JSON where `out` ends so."""
    try:
        document = graph_of(read_document(file).document, scale=scale, concurrency=concurrency, order=Order(order))
    except ValidationError as error:
        raise of_weft_error(error, str(file)) from error
    as_json = out is not None and out.suffix == ".json"
    write_text(json.dumps(document, indent=2) if as_json else dump_document(json_object(document)), out)
