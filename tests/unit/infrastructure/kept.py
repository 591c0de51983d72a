"""What an activation's calls came to, as the engine keeps it."""

from dataclasses import dataclass, field

from domain.json import Json
from domain.ports.effects import Effect, Make, Perform
from domain.usage import Usage


@dataclass
class Kept:
    """`NodeContext.perform` with a journal of its own: a call that was made is not made again."""

    journal: dict[int, tuple[str, Json]] = field(default_factory=dict)
    charged: list[Usage | None] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def started(self) -> Perform:
        """For one more run of the node."""
        number = 0

        async def perform(effect: Effect, make: Make) -> Json:
            nonlocal number
            number += 1
            self.effects.append(effect)
            if number in self.journal:
                digest, output = self.journal[number]
                assert digest == effect.digest, "the node asks for something else than before"
                return output
            try:
                made = await make(number)
            except BaseException as error:
                self.charged.append(error.__dict__.pop("usage", None))
                raise
            self.journal[number] = effect.digest, made.output
            self.charged.append(made.usage)
            return made.output

        return perform
