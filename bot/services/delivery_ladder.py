"""The ways to a member, and which of them are open to a job."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.jobs import CardTarget, Job
from bot.domain.rules import GuildRules, PublicPrompts


class Rung(StrEnum):
    """The ways to a member, tried in this order. `ASKED` is the direct message that a redelivery was asked for in."""

    ASKED = "asked"
    CHANNEL = "channel"
    FOLLOW_UP = "follow_up"
    DIRECT = "direct"

    @property
    def is_direct(self) -> bool:
        """Whether it is a direct message."""
        return self in {Rung.ASKED, Rung.DIRECT}


#: Stands in `delivery_rung`, which else names the last rung found closed, where a redelivery begins at `ASKED`.
FROM_THE_TOP = "direct_first"


class Detour(StrEnum):
    """Why a clip comes by direct message; each has its sentence in the catalogue (`clip.detour.<detour>`)."""

    ASKED = "asked"
    LEFT = "left"
    GONE = "gone"
    PRIVATE = "private"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a delivery must know of the guild. `has_bot_left`: the bot was removed; `has_member_left`: they went.

    `may_have_followed_up`: an earlier delivery's follow-up may have been shown. It has no nonce and cannot be searched
    for, so that another would be a second one.
    """

    rules: GuildRules = field(default_factory=GuildRules)
    has_bot_left: bool = False
    has_member_left: bool = False
    may_have_followed_up: bool = False

    def prompt_shown(self, held: Job, rung: Rung) -> PublicPrompts:
        """Tell how the clip's message shows the prompt; whoever wrote it sees it in private."""
        return PublicPrompts.YES if held.is_private or rung.is_direct else self.rules.public_prompts


def rungs(held: Job, around: Surroundings, *, now: datetime) -> list[Rung]:
    """Return the rungs still to try. A private job never goes to a channel, nor does anything where nobody sees it."""
    order = list(Rung)
    tried = held.delivery_rung
    if tried is None:
        order.remove(Rung.ASKED)
    elif tried != FROM_THE_TOP:
        order = order[order.index(Rung(tried)) + 1 :]
    closed = set()
    if held.is_private:
        closed.add(Rung.CHANNEL)
    if around.may_have_followed_up or not _is_live(held.card, now):
        closed.add(Rung.FOLLOW_UP)
    if around.has_bot_left or around.has_member_left:
        closed |= {Rung.CHANNEL, Rung.FOLLOW_UP}
    return [rung for rung in order if rung not in closed]


def detour(held: Job, rung: Rung, around: Surroundings) -> Detour | None:
    """Tell why a clip comes by direct message, None where it does not."""
    if not rung.is_direct:
        return None
    if rung is Rung.ASKED:
        return Detour.ASKED
    if around.has_bot_left:
        return Detour.LEFT
    if around.has_member_left:
        return Detour.GONE
    return Detour.PRIVATE if held.is_private else Detour.CLOSED


def _is_live(card: CardTarget | None, now: datetime) -> bool:
    return (
        card is not None
        and card.interaction_token is not None
        and card.token_expires_at is not None
        and card.token_expires_at > now
    )
