"""Everything that can be asked of Weft, in one place: what the floors above are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from application.access import Authenticate, CreateKey, ListKeys, RemoveKey
    from application.answering import AnswerRun
    from application.audit import AuditDesk
    from application.branching import BranchThread
    from application.budgets.desk import BudgetDesk
    from application.children import JoinChildren
    from application.composition import ComposeWorkflows
    from application.controlling import RunControl
    from application.drafting import DraftWorkflow
    from application.drawing import DrawWorkflow
    from application.editing import EditThread, RestoreThread
    from application.explaining import PolicyDesk
    from application.following import FollowRun, WaitForRun
    from application.following_threads import FollowThread, ReadRows
    from application.health import CheckReadiness
    from application.history import HistoryDesk
    from application.interactions import ListInteractions, ProcessInteraction
    from application.items import ItemDesk
    from application.looking_back import LookBack
    from application.migrating import MigrateRuns
    from application.models import ListModels
    from application.noting import NoteRequests
    from application.pacing import Pace
    from application.path_costs import CostPaths
    from application.prompts import PromptDesk
    from application.registering import ListWorkers
    from application.resolving import ResolveRun
    from application.running_again import RunAgain
    from application.runs import CancelRun, GetRun, ListRuns, StartRun
    from application.schedules import ScheduleDesk
    from application.sessions import SessionDesk
    from application.snapshot_branches import BranchSnapshot
    from application.snapshots import SnapshotDesk
    from application.templates import GetTemplate, InstantiateTemplate, ListTemplates, PutTemplate
    from application.threads import GetThread, ListThreads, OpenThread, ShowTree
    from application.tool_servers import ToolServerDesk
    from application.tools import ToolDesk
    from application.usage import UsageDesk
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
    draft_workflow: DraftWorkflow
    put_template: PutTemplate
    get_template: GetTemplate
    list_templates: ListTemplates
    instantiate_template: InstantiateTemplate
    prompts: PromptDesk
    start_run: StartRun
    get_run: GetRun
    list_runs: ListRuns
    cancel_run: CancelRun
    control: RunControl
    schedules: ScheduleDesk
    sessions: SessionDesk
    process_interaction: ProcessInteraction
    list_interactions: ListInteractions
    items: ItemDesk
    webhooks: WebhookDesk
    budgets: BudgetDesk
    resolve_run: ResolveRun
    answer_run: AnswerRun
    follow_run: FollowRun
    follow_thread: FollowThread
    read_rows: ReadRows
    wait_for_run: WaitForRun
    open_thread: OpenThread
    get_thread: GetThread
    list_threads: ListThreads
    show_tree: ShowTree
    join_children: JoinChildren
    branch_thread: BranchThread
    run_again: RunAgain
    migrate_runs: MigrateRuns
    past: LookBack
    edit_thread: EditThread
    restore_thread: RestoreThread
    snapshots: SnapshotDesk
    branch_snapshot: BranchSnapshot
    tools: ToolDesk
    tool_servers: ToolServerDesk
    list_models: ListModels
    list_workers: ListWorkers
    usage: UsageDesk
    cost_paths: CostPaths
    policy: PolicyDesk
    create_key: CreateKey
    list_keys: ListKeys
    remove_key: RemoveKey
    authenticate: Authenticate
    audit: AuditDesk
    history: HistoryDesk
    note_request: NoteRequests
    pace: Pace
    check_readiness: CheckReadiness
