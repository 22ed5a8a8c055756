"""The Idempotency-Key of the seedance2ai emulator: one answer per key, byte for byte."""

import hashlib
import time
from dataclasses import dataclass

from playground.providers.ai_fields import Refused, invalid

KEY_CHARACTERS = 255
KEYS_KEPT = 20_000


@dataclass(slots=True)
class Claim:
    """What is known of one key: the request that it belongs to, and its answer once there is one."""

    fingerprint: str
    born: float  # time.monotonic()
    is_running: bool = True
    task_id: str | None = None
    status: int = 0
    answer: bytes | None = None  # kept of accepted requests only; refused ones are done again


class Claims:
    """Every key that was used, by account."""

    def __init__(self) -> None:
        self._claims: dict[tuple[int, str], Claim] = {}

    def begin(self, account: int, key: str, path: str, body: bytes, lifetime_s: float) -> Claim:
        """Claim `key` for these bytes, or return the claim of the same request made before.

        Raises:
            Refused: idempotency_conflict for other bytes, another endpoint, or while the first request is under way.
        """
        now = time.monotonic()
        fingerprint = hashlib.sha256(path.encode() + b"\n" + body).hexdigest()
        known = self._claims.get((account, key))
        if known is None or (not known.is_running and now - known.born >= lifetime_s):
            known = self._claims[account, key] = Claim(fingerprint, now)
            while len(self._claims) > KEYS_KEPT:
                del self._claims[next(iter(self._claims))]
            return known
        if known.is_running or known.fingerprint != fingerprint:
            raise Refused("idempotency_conflict")
        known.is_running = known.answer is None
        return known


def check_key(key: str | None) -> str:
    """The header's value. Raises Refused unless it is 1-255 visible ASCII characters."""
    if not key:
        raise invalid("the Idempotency-Key header is required")
    if len(key) > KEY_CHARACTERS or not all("!" <= character <= "~" for character in key):
        raise invalid(f"Idempotency-Key must be 1-{KEY_CHARACTERS} visible ASCII characters")
    return key
