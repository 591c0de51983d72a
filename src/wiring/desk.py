"""Every use case with what it needs."""

import secrets
from functools import partial
from typing import TYPE_CHECKING, Final

from application import access, desk, ended, following, noting, runs, workflows
from application.versions import resolve_versions
from domain.ports.limits import Rate
from infrastructure.calendar import CronCalendar
from infrastructure.canonical import content_hash
from infrastructure.ids import new_id
from infrastructure.store.later import LaterModule
from settings import Settings
from wiring.access import tokens_of
from wiring.adapters import drawn_by
from wiring.parts import Parts

if TYPE_CHECKING:
    from application import (
        answering,
        audit,
        branching,
        children,
        composition,
        controlling,
        draft_calls,
        drafting,
        drawing,
        explaining,
        following_threads,
        health,
        history,
        interactions,
        items,
        keyed_calls,
        launching,
        looking_back,
        migrating,
        models,
        pacing,
        path_costs,
        prompts,
        registering,
        resolving,
        running_again,
        schedules,
        sessions,
        snapshot_branches,
        templates,
        threads,
        tool_servers,
        tools,
        usage,
        webhooks,
    )
    from application.budgets import desk as budget_desk
else:  # a run alone asks nothing of these
    answering = LaterModule("application.answering")
    audit = LaterModule("application.audit")
    budget_desk = LaterModule("application.budgets.desk")
    branching = LaterModule("application.branching")
    children = LaterModule("application.children")
    composition = LaterModule("application.composition")
    controlling = LaterModule("application.controlling")
    draft_calls = LaterModule("application.draft_calls")
    drafting = LaterModule("application.drafting")
    drawing = LaterModule("application.drawing")
    explaining = LaterModule("application.explaining")
    following_threads = LaterModule("application.following_threads")
    health = LaterModule("application.health")
    history = LaterModule("application.history")
    interactions = LaterModule("application.interactions")
    items = LaterModule("application.items")
    keyed_calls = LaterModule("application.keyed_calls")
    launching = LaterModule("application.launching")
    looking_back = LaterModule("application.looking_back")
    migrating = LaterModule("application.migrating")
    models = LaterModule("application.models")
    pacing = LaterModule("application.pacing")
    path_costs = LaterModule("application.path_costs")
    prompts = LaterModule("application.prompts")
    registering = LaterModule("application.registering")
    resolving = LaterModule("application.resolving")
    running_again = LaterModule("application.running_again")
    schedules = LaterModule("application.schedules")
    sessions = LaterModule("application.sessions")
    snapshot_branches = LaterModule("application.snapshot_branches")
    templates = LaterModule("application.templates")
    threads = LaterModule("application.threads")
    tool_servers = LaterModule("application.tool_servers")
    tools = LaterModule("application.tools")
    usage = LaterModule("application.usage")
    webhooks = LaterModule("application.webhooks")

DRAWINGS: Final = {
    "mermaid": drawn_by("application.pictures", "to_mermaid"),
    "dot": drawn_by("application.pictures", "to_dot"),
    "svg": drawn_by("infrastructure.pictures.svg", "to_svg"),
}


def build_desk(parts: Parts) -> desk.Desk:
    """Each group's names and types are checked where it stands; that no use case is missing, at every start."""
    groups = (_of_workflows(parts), _of_runs(parts), _of_threads(parts), _of_the_place(parts))
    return desk.Desk(**{name: use_case for group in groups for name, use_case in group.keywords.items()})


def _of_workflows(parts: Parts) -> partial[desk.Desk]:
    store, clock, keyed = parts.store, parts.clock, parts.keyed
    return partial(
        desk.Desk,
        publish_workflow=workflows.PublishWorkflow(parts.check, store.workflows, keyed, content_hash, clock),
        validate_workflow=workflows.ValidateWorkflow(parts.check),
        get_workflow=workflows.GetWorkflow(store.workflows),
        list_workflows=workflows.ListWorkflows(store.workflows),
        list_versions=workflows.ListVersions(store.workflows),
        draw_workflow=drawing.DrawWorkflow(store.workflows, DRAWINGS),
        cost_paths=path_costs.CostPaths(
            store.workflows, store.runs, store.journal, store.usage, drawing.DrawWorkflow(store.workflows, DRAWINGS)
        ),
        compose_workflows=composition.ComposeWorkflows(store.workflows, parts.validate),
        draft_workflow=drafting.DraftWorkflow(
            parts.models,
            parts.check,
            parts.validate.kinds,
            parts.catalog,
            draft_calls.DraftCalls(parts.models, store.usage, parts.purse, parts.meter, clock),
            new_id,
            clock,
        ),
        put_template=templates.PutTemplate(store.templates, keyed, parts.workshop, clock),
        get_template=templates.GetTemplate(store.templates),
        list_templates=templates.ListTemplates(store.templates),
        instantiate_template=templates.InstantiateTemplate(store.templates, parts.workshop),
        prompts=prompts.PromptDesk(store.prompts, parts.prompts, keyed, content_hash, clock),
    )


def _of_runs(parts: Parts) -> partial[desk.Desk]:
    store, clock, keyed, schemas = parts.store, parts.clock, parts.keyed, parts.schemas
    return partial(
        desk.Desk,
        start_run=parts.start,
        get_run=runs.GetRun(store.runs, ended.Describe(store.journal, parts.between.cache)),
        list_runs=runs.ListRuns(store.runs),
        cancel_run=runs.CancelRun(store.runs, store.journal, store.inbox),
        resolve_run=resolving.ResolveRun(store.runs, store.journal, store.inbox, parts.catalog, schemas, keyed),
        answer_run=answering.AnswerRun(store.runs, store.journal, store.inbox, schemas, store.marks, keyed, new_id, clock),
        control=controlling.RunControl(store.runs, store.journal, store.inbox, parts.past, keyed, new_id),
        follow_run=following.FollowRun(store.runs, store.journal, parts.feed),
        follow_thread=following_threads.FollowThread(store.threads, store.runs, store.journal, parts.feed),
        read_rows=following_threads.ReadRows(store.threads, store.runs, store.journal),
        wait_for_run=following.WaitForRun(store.runs, store.journal, parts.feed, store.inbox),
        schedules=schedules.ScheduleDesk(store.schedules, launching.LaunchRun(parts.start, clock), CronCalendar(), keyed, new_id, clock),
        webhooks=webhooks.WebhookDesk(
            store.webhooks, store.deliveries, parts.addresses, keyed, new_id, partial(secrets.token_bytes, 32), clock
        ),
    )


def _of_threads(parts: Parts) -> partial[desk.Desk]:
    store, clock, keyed = parts.store, parts.clock, parts.keyed
    return partial(
        desk.Desk,
        open_thread=threads.OpenThread(store.threads, store.sessions, keyed, new_id, clock),
        get_thread=threads.GetThread(store.threads),
        list_threads=threads.ListThreads(store.threads),
        show_tree=threads.ShowTree(store.threads),
        join_children=children.JoinChildren(
            store.threads, store.runs, following.WaitForRun(store.runs, store.journal, parts.feed, store.inbox)
        ),
        branch_thread=branching.BranchThread(parts.cut, parts.start),
        run_again=running_again.RunAgain(parts.cut, parts.start, parts.edit, parts.write),
        migrate_runs=migrating.MigrateRuns(
            store.runs, store.workflows, partial(resolve_versions, store.workflows, store.prompts), parts.past, parts.write, clock
        ),
        past=looking_back.LookBack(parts.past),
        edit_thread=parts.edit,
        restore_thread=parts.restore,
        snapshots=parts.kept,
        branch_snapshot=snapshot_branches.BranchSnapshot(parts.kept),
        sessions=sessions.SessionDesk(store.sessions, store.threads, store.runs, store.inbox, keyed, new_id, clock),
        process_interaction=interactions.ProcessInteraction(store.sessions, store.journal, parts.start, clock),
        list_interactions=interactions.ListInteractions(store.sessions, store.threads, store.journal, store.runs, store.workflows),
    )


def _of_the_place(parts: Parts) -> partial[desk.Desk]:
    store, clock = parts.store, parts.clock
    return partial(
        desk.Desk,
        items=items.ItemDesk(store.items, clock),
        budgets=budget_desk.BudgetDesk(store.budgets, store.accounts, parts.models, parts.wake, parts.keyed, new_id, clock),
        tools=tools.ToolDesk(parts.catalog, store.registered, keyed_calls.CallOnce(parts.keyed, new_id), new_id, clock),
        tool_servers=tool_servers.ToolServerDesk(parts.servers),
        list_models=models.ListModels(parts.models),
        list_workers=registering.ListWorkers(parts.between.registry),
        usage=usage.UsageDesk(store.sums, store.runs, store.workflows),
        policy=explaining.PolicyDesk(parts.policy, parts.catalog, store.sessions, store.workflows),
        create_key=access.CreateKey(store.keys, new_id, partial(secrets.token_bytes, 32), clock, parts.trail),
        list_keys=access.ListKeys(store.keys),
        remove_key=access.RemoveKey(store.keys, clock, parts.trail),
        authenticate=access.Authenticate(store.keys, _digests(parts.settings), parts.keyless, tokens_of(parts.settings, clock)),
        audit=audit.AuditDesk(store.audit),
        history=history.HistoryDesk(store.history),
        note_request=noting.NoteRequests(parts.trail, clock),
        pace=pacing.Pace(parts.between.limits, Rate(most, 60.0) if (most := parts.settings.requests_per_minute) else None),
        check_readiness=health.CheckReadiness(
            {"database": store.health.check}, spared={} if parts.between.check is None else {"redis": parts.between.check}
        ),
    )


def _digests(settings: Settings) -> tuple[str, ...]:
    return tuple(access.digest_of(key.get_secret_value()) for key in settings.api_keys)
