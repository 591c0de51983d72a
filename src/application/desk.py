"""Everything that can be asked of Weft, in one place: what the floors above are given."""

from dataclasses import dataclass

from application.access import Authenticate, CreateKey, ListKeys, RemoveKey
from application.composition import ComposeWorkflows
from application.controlling import RunControl
from application.drawing import DrawWorkflow
from application.following import FollowRun, WaitForRun
from application.health import CheckReadiness
from application.models import ListModels
from application.pacing import Pace
from application.registering import ListWorkers
from application.resolving import ResolveRun
from application.runs import CancelRun, GetRun, ListRuns, StartRun
from application.schedules import ScheduleDesk
from application.templates import GetTemplate, InstantiateTemplate, ListTemplates, PutTemplate
from application.threads import GetThread, ListThreads, OpenThread
from application.tools import CallTool, GetTool, ListTools
from application.webhooks import WebhookDesk
from application.workflows import GetWorkflow, ListVersions, ListWorkflows, PublishWorkflow, ValidateWorkflow


@dataclass(frozen=True, slots=True)
class Desk:
    publish_workflow: PublishWorkflow
    validate_workflow: ValidateWorkflow
    get_workflow: GetWorkflow
    list_workflows: ListWorkflows
    list_versions: ListVersions
    draw_workflow: DrawWorkflow
    compose_workflows: ComposeWorkflows
    put_template: PutTemplate
    get_template: GetTemplate
    list_templates: ListTemplates
    instantiate_template: InstantiateTemplate
    start_run: StartRun
    get_run: GetRun
    list_runs: ListRuns
    cancel_run: CancelRun
    control: RunControl
    schedules: ScheduleDesk
    webhooks: WebhookDesk
    resolve_run: ResolveRun
    follow_run: FollowRun
    wait_for_run: WaitForRun
    open_thread: OpenThread
    get_thread: GetThread
    list_threads: ListThreads
    list_tools: ListTools
    get_tool: GetTool
    call_tool: CallTool
    list_models: ListModels
    list_workers: ListWorkers
    create_key: CreateKey
    list_keys: ListKeys
    remove_key: RemoveKey
    authenticate: Authenticate
    pace: Pace
    check_readiness: CheckReadiness
