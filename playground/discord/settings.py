"""What can be varied about the simulated Discord while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

MIB = 1024 * 1024


@dataclass
class DiscordSettings:
    """Limits and circumstances; Discord's own values are the defaults.

    `upload_limit_bytes` is per file (reference: 10 MiB without boosts); `member_upload_limit_bytes`, if set, is what
    interactions report instead (a member's Nitro raises it). Lifetimes are real seconds. `locales` maps a person's id
    to a locale; `dm_closed` holds the ids of people who take no direct messages.
    """

    upload_limit_bytes: int = 10 * MIB
    member_upload_limit_bytes: int | None = None
    request_limit_bytes: int = 25 * MIB
    token_lifetime_s: float = 900.0
    answer_deadline_s: float = 3.0
    nonce_memory_s: float = 300.0
    attachment_lifetime_s: float = 86400.0
    guild_locale: str = "en-US"
    locales: dict[int, str] = field(default_factory=dict)
    dm_closed: set[int] = field(default_factory=set)

    @property
    def interaction_limit_bytes(self) -> int:
        """What an interaction reports as `attachment_size_limit`."""
        return self.member_upload_limit_bytes or self.upload_limit_bytes
