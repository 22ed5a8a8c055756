"""The error tree. A new class only where a caller must act differently.

BotError
├─ Refused                 the member or moderator is told why and what would work; nothing was changed
│  ├─ BudgetRefused        a budget level said no
│  └─ NotFound             no such job, member or row for this person
├─ ProviderError
│  ├─ ProviderUnreachable  the request's body never left: safe to send again
│  ├─ ProviderAmbiguous    it may have taken effect: never sent again blindly
│  ├─ ProviderBusy         not taken; wait and send again
│  │  └─ ProviderConflict  an earlier try under the same key may have been taken: in doubt until it is answered
│  ├─ ProviderRejected     taken note of and refused: final for this request
│  │  └─ ProviderTurnedAway  not in the API's own words: says nothing of an earlier try under the same key
│  ├─ ProviderAccount      dead key or empty account: opens the breaker
│  └─ TaskNotFound         the provider does not know this task
├─ MediaRejected           a reference or a clip is not what it must be
├─ DownloadFailed          a clip could not be fetched (this time)
├─ DeliveryError           Discord refused to show something
│  ├─ DeliveryAmbiguous    the message may exist
│  ├─ DeliveryTooLarge     413 or 40005
│  ├─ DeliveryForbidden    the place is gone or closed to the bot: next rung
│  └─ DeliveryRetry        try the same again later
├─ LeaseLost               another worker has the job now; this one stops without a word
├─ SettingsInvalid         a setting is missing or wrong; the start ends
└─ InvariantBroken         the impossible: a defect, the job is parked
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.money import ZERO, Credits, Limit


class BotError(Exception):
    """Base of everything the bot raises itself."""


class Refused(BotError):
    """A request that cannot be done, with the data for a sentence.

    `code` names the sentence in the catalogue (`refused.<code>`); `params` fill it in. Nothing was held or changed.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params: Mapping[str, Any] = params


class NotFound(Refused):
    """What was asked for does not exist for this person."""


@dataclass(frozen=True, slots=True)
class Cheaper:
    """The cheapest variant of a refused request that would fit now."""

    model: str
    resolution: str
    duration_s: int
    cost: Credits


class BudgetRefused(Refused):
    """A budget level cannot take the cost.

    `level` is the value of a `Level`; `available` is None only where the level has no number to tell;
    `frees_at` is None where nothing frees by itself; `used` is what is settled and held there.
    """

    def __init__(
        self,
        level: str,
        *,
        needed: Credits,
        available: Credits,
        limit: Limit,
        frees_at: datetime | None,
        used: Credits = ZERO,
        cheaper: Cheaper | None = None,
        guild_id: int = 0,
    ) -> None:
        super().__init__(f"budget_{level}", needed=needed, available=available, limit=limit, frees_at=frees_at)
        self.level = level
        self.needed = needed
        self.available = available
        self.limit = limit
        self.frees_at = frees_at
        self.used = used
        self.cheaper = cheaper
        self.guild_id = guild_id


class ProviderError(BotError):
    """A provider did not do what was asked.

    `code` is the provider's own code where it gave one, else a short word of ours (`timeout`, `http_502`).
    `retry_after_s` is set where the provider named a time.
    """

    def __init__(self, code: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s


class ProviderUnreachable(ProviderError):
    """The request never reached the provider: connection refused, DNS, TLS."""


class ProviderAmbiguous(ProviderError):
    """The answer does not tell whether the request took effect.

    `task_id` is set where the answer named a task all the same.
    """

    def __init__(self, code: str, *, retry_after_s: float | None = None, task_id: str | None = None) -> None:
        super().__init__(code, retry_after_s=retry_after_s)
        self.task_id = task_id


class ProviderBusy(ProviderError):
    """Not taken (rate limit, busy): the same may be sent again after `retry_after_s`."""


class ProviderConflict(ProviderBusy):
    """The idempotency key is in use: an earlier try of the same create is still being answered, or was taken."""


class ProviderRejected(ProviderError):
    """Refused for good: the request as it is will never be taken."""


class ProviderTurnedAway(ProviderRejected):
    """Refused by what may be a proxy, not in the API's own words.

    This try was not taken; an earlier one under the same key may have been.
    """


class ProviderAccount(ProviderError):
    """The operator's account cannot be used: dead key or no credits."""


class TaskNotFound(ProviderError):
    """The provider does not know the task."""


class MediaRejected(BotError):
    """A file is not what it must be. `code` names the sentence, `params` fill it in."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params: Mapping[str, Any] = params


class DownloadFailed(BotError):
    """A clip could not be fetched. `is_gone`: the address will never answer again (403, 404, 410)."""

    def __init__(self, code: str, *, is_gone: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.is_gone = is_gone


class DeliveryError(BotError):
    """Discord did not show a message. `code` is Discord's own number, 0 where it gave none."""

    def __init__(self, code: int = 0, *, status: int = 0, retry_after_s: float | None = None) -> None:
        super().__init__(f"status {status} code {code}")
        self.code = code
        self.status = status
        self.retry_after_s = retry_after_s


class DeliveryAmbiguous(DeliveryError):
    """The message may exist: the answer was lost."""


class DeliveryTooLarge(DeliveryError):
    """The files are larger than this place takes."""


class DeliveryForbidden(DeliveryError):
    """The place is gone or closed to the bot; another rung may work."""


class DeliveryRetry(DeliveryError):
    """Nothing was shown; the same may be tried again after `retry_after_s`."""


class LeaseLost(BotError):
    """The job's lease passed to another worker; everything of this step was rolled back."""


class SettingsInvalid(BotError):
    """A setting is missing or wrong. The text is one line that names the variable and shows a good value."""


class InvariantBroken(BotError):
    """Something that cannot happen did: a defect of ours."""
