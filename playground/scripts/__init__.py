"""Scripted visits to the playground: each takes a started rig, reports its steps, and fails at the first that fails."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from playground.rig import Rig
from playground.scripts.delivery import DELIVERY_SETTINGS, delivery
from playground.scripts.first_clip import first_clip
from playground.scripts.moderator import MODERATOR_SETTINGS, moderator
from playground.scripts.steps import Steps


@dataclass(frozen=True)
class Script:
    """A visit, and the bot's settings that it needs."""

    play: Callable[[Rig, Steps], Awaitable[None]]
    bot_env: Mapping[str, str] = field(default_factory=dict)


SCRIPTS: dict[str, Script] = {
    "delivery": Script(delivery, DELIVERY_SETTINGS),
    "first-clip": Script(first_clip),
    "moderator": Script(moderator, MODERATOR_SETTINGS),
}
"""What `--script NAME` can run; `--check` is `--script first-clip`."""
