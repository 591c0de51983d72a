"""Every scenario there is, in the order of the matrix."""

from tests.integration.faults import killing, queueing, storing, surroundings
from tests.integration.faults.scenario import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Scenario", "killing", "queueing", "storing", "surroundings"]
