"""Links at which providers fetch references by themselves."""

import re
from datetime import UTC, datetime

from bot.domain.requests import Reference
from bot.ports import Links

NO_LINK = "no_link"
#: When a link of Discord's expires: "Hex timestamp indicating when an attachment CDN URL will expire" (reference,
#: Signed Attachment CDN URLs).
_EXPIRY = re.compile(r"[?&]ex=([0-9a-f]{1,10})(?:&|$)")


def reference_link(links: Links, reference: Reference, *, now: datetime, expires_at: datetime) -> str | None:
    """Return an https link at which a provider can fetch a reference: our own, else the one that Discord gave.

    Ours works until `expires_at`, and ends as our key does. None where there is neither, and where Discord's has
    expired by `now`.
    """
    ending = reference.key.rpartition(".")[2]
    ours = links.media_url(reference.key, f"reference.{ending}", expires_at=expires_at)
    return ours or _unexpired(reference.source_url, now)


def _unexpired(url: str | None, now: datetime) -> str | None:
    expiry = _EXPIRY.search(url or "")
    is_over = expiry is not None and datetime.fromtimestamp(int(expiry[1], 16), UTC) <= now
    return None if is_over else url
