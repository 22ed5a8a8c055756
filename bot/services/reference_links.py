"""Links at which providers fetch references by themselves."""

from datetime import datetime

from bot.domain.requests import Reference
from bot.ports import Links

NO_LINK = "no_link"


def reference_link(links: Links, reference: Reference, *, expires_at: datetime) -> str | None:
    """Return an https link at which a provider can fetch a reference: our own, else the one that Discord gave."""
    ending = reference.content_type.rpartition("/")[2]
    return links.media_url(reference.key, f"reference.{ending}", expires_at=expires_at) or reference.source_url
