"""Workflows: check a document, publish it, find it again, make one from several."""

from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, JsonValue

from application.composition import ComposeOrder
from application.draft_views import DraftOrder, DraftView
from application.views import PageView
from application.workflow_views import ProblemView, ValidationView, WorkflowView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import YAML, body_of, document_of, model_ref, read_text, takes
from interface.rest.openapi import OpenApi, Responses, fails
from interface.rest.parameters import IdempotencyKey, PageOf
from interface.rest.placed import placed
from interface.yaml_writing import dump_document

router = APIRouter(prefix="/v1/workflows", tags=["workflows"])
BODIES: tuple[type[BaseModel], ...] = (ComposeOrder, DraftOrder)

Format = Literal["json", "yaml", "mermaid", "dot"]
_LANGUAGES = {"yaml": YAML, "mermaid": "text/vnd.mermaid", "dot": "text/vnd.graphviz"}
_Document = Annotated[JsonValue, Depends(document_of)]
_TAKES_DOCUMENT = takes({"type": "object", "description": "A graph document."})
_TEXT: OpenApi = {"schema": {"type": "string"}}
_IN_OTHER_LANGUAGES: Responses = {200: {"content": {**dict.fromkeys(_LANGUAGES.values(), _TEXT), YAML: {"schema": {"type": "object"}}}}}


class PublishedView(WorkflowView):
    """What was published, and what validation warns of."""

    warnings: list[ProblemView]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={200: {"model": PublishedView, "description": "This very content was published before."}, **fails(409, 413, 415)},
    openapi_extra=_TAKES_DOCUMENT,
)
async def publish_workflow(
    who: Caller, desk: TheDesk, request: Request, document: _Document, response: Response, key: IdempotencyKey = None
) -> PublishedView:
    """Publish a graph document. A version never changes: another content needs another version."""
    published = await desk.publish_workflow(who, document, request.state.locate, key)
    view = published.view
    location = f"/v1/workflows/{quote(view.name, safe='')}/{quote(view.version, safe='')}"
    placed(response, location, fresh=published.fresh)
    return PublishedView(**dict(view), warnings=published.warnings)


@router.post("/validate", responses=fails(413, 415), openapi_extra=takes({"description": "What may be a graph document."}))
async def validate_workflow(who: Caller, desk: TheDesk, request: Request, document: _Document) -> ValidationView:
    """Every problem and warning at once. Nothing is executed or stored."""
    return await desk.validate_workflow(who, document, request.state.locate)


@router.post("/compose", responses=fails(404, 413, 415), openapi_extra=takes(model_ref(ComposeOrder)))
async def compose_workflows(
    who: Caller, desk: TheDesk, order: Annotated[ComposeOrder, Depends(body_of(ComposeOrder))]
) -> dict[str, JsonValue]:
    """One document from several published workflows, one after the other. Publishes nothing."""
    return await desk.compose_workflows(who, order)


@router.post("/draft", responses=fails(404, 409, 413, 415, 502), openapi_extra=takes(model_ref(DraftOrder)))
async def draft_workflow(who: Caller, desk: TheDesk, order: Annotated[DraftOrder, Depends(body_of(DraftOrder))]) -> DraftView:
    """Have a model write a workflow, and mend it a few times. Publishes nothing and runs nothing: look at it, and publish it yourself."""
    return await desk.draft_workflow(who, order, read_text)


@router.get("", responses=fails())
async def list_workflows(who: Caller, desk: TheDesk, order: PageOf) -> PageView[WorkflowView]:
    """The newest version of each name."""
    return await desk.list_workflows(who, order)


@router.get("/{name}", responses=fails(404))
async def list_versions(who: Caller, desk: TheDesk, name: str, order: PageOf) -> PageView[WorkflowView]:
    """All versions of a name, highest first."""
    return await desk.list_versions(who, name, order)


@router.get("/{name}/{version}", response_model=WorkflowView, responses={**_IN_OTHER_LANGUAGES, **fails(404)})
async def get_workflow(
    who: Caller, desk: TheDesk, name: str, version: str, language: Annotated[Format, Query(alias="format")] = "json"
) -> WorkflowView | Response:
    """One version: with its document, or the document alone as YAML, or its picture in Mermaid or DOT."""
    match language:
        case "json":
            return await desk.get_workflow(who, name, version)
        case "yaml":
            view = await desk.get_workflow(who, name, version)
            return Response(dump_document(view.document), media_type=_LANGUAGES[language])
        case "mermaid" | "dot":
            return Response(await desk.draw_workflow(who, name, version, language), media_type=_LANGUAGES[language])
