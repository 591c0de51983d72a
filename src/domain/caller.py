"""Who makes a call to a model: what accounts, history, traces and caches know it by."""

from dataclasses import dataclass

from domain.history import Capture
from domain.ids import ActivationPath, RunId, TenantId, ThreadId


@dataclass(frozen=True, slots=True)
class Caller:
    """`effect`: which of the activation's calls it is, 0 for a node that makes one. `workflow`: `name@version`. `session` and `user`: for
    whom the run acts, "" for nobody. `prompt`: the published prompt that was rendered for it, `name@3`, "" for none. `capture`: how much of
    what is said the history may keep; nothing, where nobody says."""

    tenant: TenantId
    run: RunId
    activation: ActivationPath
    effect: int = 0
    attempt: int = 1
    workflow: str = ""
    thread: ThreadId | None = None
    session: str = ""
    user: str = ""
    prompt: str = ""
    capture: Capture = Capture.OFF
    within: tuple[str, ...] = ()
    """Names of the workflows that it is made in below the run's own, the innermost first."""

    @property
    def node(self) -> str:
        return self.activation.rpartition("/")[2].partition("#")[0]
