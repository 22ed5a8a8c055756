"""What a form has to know besides what is typed into it, carried by Discord itself.

A modal cannot follow a defer, so nothing can be stored before it opens; and it may stay open while the bot restarts.
Discord gives the ids of a modal and of its fields back when it is submitted, at most 100 characters each
(components/reference, Custom ID): what the command was given is packed into them.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any

from bot.domain.errors import Refused
from cogs.panels import REST_CHARS

ID_CHARS = 100
MOST_BYTES = 4096  # unpacked


def pack(carried: Mapping[str, Any], fields: int) -> tuple[str, list[str]] | None:
    """Spread `carried` over a modal's rest and the ids of its fields. None where it does not fit.

    A field's id begins with its number (from 0), by which `unpack` and `field_values` find it again.
    """
    packed = zlib.compress(json.dumps(carried, separators=(",", ":")).encode(), 9)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    size = ID_CHARS - 1
    rest, left = text[:REST_CHARS], text[REST_CHARS:]
    if len(left) > size * fields:
        return None
    return rest, [f"{number}{left[number * size : (number + 1) * size]}" for number in range(fields)]


def unpack(rest: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Put what was carried together again, from a submitted modal's rest and its values by custom id.

    Raises:
        Refused: `form_unreadable`, it is not whole.
    """
    text = rest + "".join(name[1:] for name in sorted(values))
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        unpacked = zlib.decompressobj()
        found = json.loads(unpacked.decompress(raw, MOST_BYTES))
    except (binascii.Error, zlib.error, ValueError) as error:
        raise Refused("form_unreadable") from error
    if not unpacked.eof or not isinstance(found, dict):
        raise Refused("form_unreadable")
    return found


def field_values(values: Mapping[str, Any]) -> list[str]:
    """Return what was typed into the fields, in their order."""
    return [str(values[name] or "") for name in sorted(values)]
