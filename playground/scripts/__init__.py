"""Scripted visits to the playground: each takes a started rig, reports its steps, and fails at the first that fails."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from playground.emulators import PROVIDERS
from playground.rig import Rig
from playground.scripts.delivery import DELIVERY_SETTINGS, delivery
from playground.scripts.everyday import EVERYDAY_SETTINGS, everyday
from playground.scripts.first_clip import first_clip
from playground.scripts.hundred import hundred, hundred_settings
from playground.scripts.moderator import MODERATOR_SETTINGS, moderator
from playground.scripts.steps import Steps


@dataclass(frozen=True)
class Script:
    """A visit, and the bot's settings that it needs."""

    play: Callable[[Rig, Steps], Awaitable[None]]
    bot_env: Mapping[str, str] = field(default_factory=dict)
    providers: tuple[str, ...] = PROVIDERS
    """Those that the bot has a key of."""


def hundred_on(provider: str) -> Script:
    """The script `hundred` on one of the providers. Raises KeyError for one that does not exist."""
    return Script(hundred, hundred_settings(provider), (provider,))


MOVIE = ("seedance2-movie",)
SCRIPTS: dict[str, Script] = {
    "delivery": Script(delivery, DELIVERY_SETTINGS, MOVIE),
    "everyday": Script(everyday, EVERYDAY_SETTINGS),
    "first-clip": Script(first_clip),
    "hundred": hundred_on("seedance2ai"),
    "moderator": Script(moderator, MODERATOR_SETTINGS, MOVIE),
}
"""What `--script NAME` can run; `--check` is `--script first-clip`."""
