"""Every route of the service, the first role that may use it, and a body that it takes. A route that is missing here fails a test."""

from typing import Any, Final

from application.access import Role

_TABLE: Final = """
GET    /v1/workflows                                                    viewer
POST   /v1/workflows                                                    author
POST   /v1/workflows/validate                                           viewer
POST   /v1/workflows/compose                                            viewer
POST   /v1/workflows/draft                                              author
GET    /v1/workflows/{name}                                             viewer
GET    /v1/workflows/{name}/{version}                                   viewer
GET    /v1/templates                                                    viewer
POST   /v1/templates                                                    author
GET    /v1/templates/{name}                                             viewer
POST   /v1/templates/{name}/instantiate                                 viewer
GET    /v1/prompts                                                      viewer
POST   /v1/prompts                                                      author
GET    /v1/prompts/{name}                                               viewer
GET    /v1/prompts/{name}/{number}                                      viewer
POST   /v1/prompts/{name}/{number}/render                               viewer
POST   /v1/prompts/{name}/{number}/diff                                 viewer
PUT    /v1/prompts/{name}/rollout                                       operator
GET    /v1/runs                                                         viewer
POST   /v1/runs                                                         operator
POST   /v1/runs/migrate                                                 operator
GET    /v1/runs/{run_id}                                                viewer
GET    /v1/runs/{run_id}/events                                         viewer
POST   /v1/runs/{run_id}/cancel                                         operator
POST   /v1/runs/{run_id}/pause                                          operator
POST   /v1/runs/{run_id}/resume                                         operator
POST   /v1/runs/{run_id}/signals/{name}                                 operator
POST   /v1/runs/{run_id}/answers                                        viewer
POST   /v1/runs/{run_id}/resolve                                        operator
GET    /v1/schedules                                                    viewer
POST   /v1/schedules                                                    operator
GET    /v1/schedules/{schedule_id}                                      viewer
PATCH  /v1/schedules/{schedule_id}                                      operator
DELETE /v1/schedules/{schedule_id}                                      operator
POST   /v1/schedules/{schedule_id}/trigger                              operator
GET    /v1/schedules/{schedule_id}/firings                              viewer
GET    /v1/webhooks                                                     viewer
POST   /v1/webhooks                                                     admin
GET    /v1/webhooks/{webhook_id}                                        viewer
PATCH  /v1/webhooks/{webhook_id}                                        admin
DELETE /v1/webhooks/{webhook_id}                                        admin
POST   /v1/webhooks/{webhook_id}/rotate-secret                          admin
POST   /v1/webhooks/{webhook_id}/test                                   operator
GET    /v1/webhooks/{webhook_id}/deliveries                             viewer
POST   /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver     operator
GET    /v1/sessions                                                     viewer
POST   /v1/sessions                                                     operator
GET    /v1/sessions/{session_id}                                        viewer
PATCH  /v1/sessions/{session_id}                                        operator
POST   /v1/sessions/{session_id}/pause                                  operator
POST   /v1/sessions/{session_id}/resume                                 operator
POST   /v1/sessions/{session_id}/complete                               operator
POST   /v1/sessions/{session_id}/abort                                  operator
GET    /v1/sessions/{session_id}/threads                                viewer
POST   /v1/sessions/{session_id}/threads                                operator
GET    /v1/sessions/{session_id}/interactions                           viewer
POST   /v1/sessions/{session_id}/interactions                           operator
GET    /v1/items                                                        viewer
GET    /v1/items/{item}                                                 viewer
PUT    /v1/items/{item}                                                 operator
DELETE /v1/items/{item}                                                 operator
GET    /v1/threads                                                      viewer
POST   /v1/threads                                                      operator
GET    /v1/threads/{thread_id}                                          viewer
GET    /v1/threads/{thread_id}/events                                   viewer
GET    /v1/threads/{thread_id}/state                                    viewer
PATCH  /v1/threads/{thread_id}/state                                    operator
GET    /v1/threads/{thread_id}/history                                  viewer
GET    /v1/threads/{thread_id}/diff                                     viewer
POST   /v1/threads/{thread_id}/restore                                  operator
GET    /v1/threads/{thread_id}/snapshots                                viewer
POST   /v1/threads/{thread_id}/snapshots                                operator
GET    /v1/threads/{thread_id}/snapshots/{snapshot_id}                  viewer
DELETE /v1/threads/{thread_id}/snapshots/{snapshot_id}                  operator
POST   /v1/threads/{thread_id}/snapshots/{snapshot_id}/restore          operator
POST   /v1/threads/{thread_id}/snapshots/{snapshot_id}/branch           operator
GET    /v1/threads/{thread_id}/branches                                 viewer
POST   /v1/threads/{thread_id}/branches                                 operator
GET    /v1/threads/{thread_id}/tree                                     viewer
GET    /v1/threads/{thread_id}/children                                 viewer
GET    /v1/threads/{thread_id}/runs                                     viewer
POST   /v1/threads/{thread_id}/runs                                     operator
GET    /v1/tools                                                        viewer
POST   /v1/tools                                                        author
POST   /v1/tools/batch                                                  author
POST   /v1/tools/validate                                               viewer
GET    /v1/tools/{name}                                                 viewer
DELETE /v1/tools/{name}                                                 author
GET    /v1/tools/{name}/document                                        viewer
POST   /v1/tools/{name}/call                                            operator
GET    /v1/tool-servers                                                 operator
POST   /v1/tool-servers/{server}/approve                                admin
POST   /v1/tool-servers/{server}/forget                                 admin
GET    /v1/budgets                                                      viewer
POST   /v1/budgets                                                      admin
GET    /v1/budgets/{budget_id}                                          viewer
PATCH  /v1/budgets/{budget_id}                                          admin
DELETE /v1/budgets/{budget_id}                                          admin
GET    /v1/usage                                                        viewer
GET    /v1/workflows/{name}/costs                                       viewer
GET    /v1/workflows/{name}/statistics                                  viewer
GET    /v1/models                                                       viewer
GET    /v1/workers                                                      viewer
GET    /v1/audit                                                        admin
GET    /v1/audit/verify                                                 admin
GET    /v1/history                                                      viewer
"""

OWNERS: Final = frozenset({"GET /v1/tool-servers", "POST /v1/tool-servers/{server}/approve", "POST /v1/tool-servers/{server}/forget"})
"""What is of the installation: only the tenant `default` looks after it."""
FOR_ALL: Final = frozenset({"GET /livez", "GET /readyz", "GET /metrics"})
"""Probes: whoever reaches the service may ask."""

NEEDS: Final = {f"{method} {path}": Role(role) for method, path, role in map(str.split, _TABLE.strip().splitlines())}

ADDER: Final[dict[str, Any]] = {
    "weft": 1,
    "name": "adder",
    "version": "1.0.0",
    "state": {"x": {"type": "integer"}},
    "nodes": {"add": {"kind": "transform", "writes": {"x": "${state.x + 1}"}}},
    "edges": [{"from": "start", "to": "add"}],
}
SCHEDULE: Final = {"workflow": "adder", "every_seconds": 3600}
WEBHOOK: Final = {"url": "https://hooks.example/in"}
BUDGET: Final = {"name": "all", "limit": {"tokens": 1_000_000}}
TOOL: Final = {"name": "adder", "type": "rest", "description": "Adds.", "config": {"url": "https://api.example.com/add"}}
TEMPLATE: Final = {"name": "greeting", "document": {"name": "{{who}}"}, "parameters": [{"name": "who"}]}

BODIES: Final[dict[str, Any]] = {
    "POST /v1/workflows": ADDER | {"version": "2.0.0"},
    "POST /v1/workflows/validate": ADDER,
    "POST /v1/workflows/compose": {"name": "both", "steps": [{"id": "one", "workflow": "adder"}]},
    "POST /v1/workflows/draft": {"description": "Say hello.", "model": "scripted/echo", "repairs": 0},
    "POST /v1/templates": TEMPLATE,
    "POST /v1/templates/{name}/instantiate": {"parameters": {"who": "ada"}},
    "POST /v1/prompts": {"prompt": "adder", "text": "Add."},
    "POST /v1/prompts/{name}/{number}/diff": {"against": 1},
    "PUT /v1/prompts/{name}/rollout": {"shares": {"1": 100}},
    "POST /v1/runs": {"workflow": "adder", "input": {"x": 1}},
    "POST /v1/runs/migrate": {"from": "adder@1.0.0", "to": "adder@2.0.0"},
    "POST /v1/runs/{run_id}/answers": {"activation": "/a#1", "answer": True},
    "POST /v1/runs/{run_id}/resolve": {"activation": "/a#1", "decision": "failed"},
    "POST /v1/schedules": SCHEDULE,
    "PATCH /v1/schedules/{schedule_id}": {"paused": True},
    "POST /v1/webhooks": WEBHOOK,
    "PATCH /v1/webhooks/{webhook_id}": {"enabled": False},
    "POST /v1/budgets": BUDGET,
    "PATCH /v1/budgets/{budget_id}": {"limit": {"tokens": 2_000_000}},
    "POST /v1/sessions": {"user_id": "ada"},
    "PATCH /v1/sessions/{session_id}": {"metadata": {}},
    "POST /v1/sessions/{session_id}/threads": {},
    "POST /v1/sessions/{session_id}/interactions": {"content": {"x": 1}, "workflow": "adder"},
    "PUT /v1/items/{item}": {"value": 1},
    "POST /v1/threads": {},
    "PATCH /v1/threads/{thread_id}/state": {"values": {"x": 1}},
    "POST /v1/threads/{thread_id}/restore": {"at": 0},
    "POST /v1/threads/{thread_id}/snapshots": {"name": "before"},
    "POST /v1/threads/{thread_id}/branches": {},
    "POST /v1/threads/{thread_id}/runs": {"at": 0},
    "POST /v1/tools": {"name": "x", "type": "rest"},
    "POST /v1/tools/batch": {"documents": [{"name": "x"}]},
    "POST /v1/tools/validate": {"name": "x", "type": "rest"},
    "POST /v1/tools/{name}/call": {"arguments": {}},
    "POST /v1/tool-servers/{server}/approve": {"tools": {"x": "0" * 64}},
    "POST /v1/tool-servers/{server}/forget": {"tools": ["x"]},
}
QUERIES: Final = {"GET /v1/threads/{thread_id}/diff": {"from": 0}}
