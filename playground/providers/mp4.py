"""MP4 boxes, as far as making a file longer without touching what it plays."""

import os
import struct

BOX_HEADER_BYTES = 8


def pad(clip: bytes, size_bytes: int) -> bytes:
    """Return `clip` grown to exactly `size_bytes` by a trailing `free` box (ISO/IEC 14496-12, 8.1.2).

    The filling is random, so that nothing on the way can compress it. A clip that is long enough already is returned
    as it is, and one that is less than a box header short grows by that header.
    """
    missing = size_bytes - len(clip)
    if missing <= 0:
        return clip
    filling = max(0, missing - BOX_HEADER_BYTES)
    return clip + struct.pack(">I4s", filling + BOX_HEADER_BYTES, b"free") + os.urandom(filling)
