"""Events from the gateway that discord.py cannot read.

It demands keys and kinds of Discord's that are optional or of tomorrow, and an error in reading one event ends its
connection, and the bot with it. Here such an event is left out, and the bot goes on.
"""

import logging
from collections.abc import Callable
from typing import Any

from bot.discord.uploads import FILE_LIMIT_BYTES

log = logging.getLogger(__name__)

Parse = Callable[[Any], None]

#: What reading raises where something is missing or of another kind.
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)
#: Without this one there is no connection to go on with.
NEEDED = "READY"
INTERACTION = "INTERACTION_CREATE"


def tolerate(parsers: dict[str, Parse]) -> None:
    """Guard discord.py's readers of events, which it keeps by the events' names."""
    for name, parse in parsers.items():
        if name != NEEDED:
            parsers[name] = _guarded(name, parse)


def _guarded(name: str, parse: Parse) -> Parse:
    def read(data: Any) -> None:
        try:
            if name == INTERACTION:
                _complete(data)
            parse(data)
        except UNREADABLE:
            log.exception("gateway.event_unreadable", extra={"event": name})

    return read


def _complete(interaction: dict[str, Any]) -> None:
    """Add what discord.py demands of an interaction and can do without: the lowest limit that Discord has."""
    interaction.setdefault("attachment_size_limit", FILE_LIMIT_BYTES)
