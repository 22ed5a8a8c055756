"""Unguessable addresses on our own public listener: callbacks and expiring media links."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from urllib.parse import quote

SIGNATURE_HEX_CHARS = 40  # 160 bits
ATTEMPT = re.compile(r"[1-9][0-9]{0,8}|0")
TOKEN_CHARS_MAX = 1024


class SignedLinks:
    """Makes and verifies signed addresses. Callbacks and media have keys of their own, derived from one secret."""

    def __init__(self, secret: bytes, public_base_url: str | None) -> None:
        """`public_base_url` is an https origin without a slash at its end; None turns both kinds of address off."""
        self._base = public_base_url.rstrip("/") if public_base_url else None
        self._callback_key = _derive(secret, "callbacks")
        self._media_key = _derive(secret, "media")

    def callback_url(self, provider: str, job_id: str, attempt: int) -> str | None:
        """Return the address for one attempt of a job, None where callbacks are off. At most 512 characters."""
        if self._base is None:
            return None
        signature = f"{attempt}-{self._callback_mark(provider, job_id, attempt)}"
        return f"{self._base}/callbacks/{quote(provider, safe='')}/{quote(job_id, safe='')}/{signature}"

    def verify_callback(self, provider: str, job_id: str, signature: str) -> int | None:
        """Return the attempt that a callback's address was made for, None for a forged one. Takes constant time."""
        number, _, mark = signature.partition("-")
        if not ATTEMPT.fullmatch(number):
            return None
        expected = self._callback_mark(provider, job_id, int(number))
        return int(number) if _is_same(mark, expected) else None

    def media_url(self, key: str, filename: str, *, expires_at: datetime) -> str | None:
        """Return a link to a stored file that works until `expires_at`, None without a public address."""
        if self._base is None:
            return None
        payload = f"{int(expires_at.timestamp())}:{key}".encode()
        token = base64.urlsafe_b64encode(payload).decode().rstrip("=")
        return f"{self._base}/media/{token}.{self._media_mark(token, filename)}/{quote(filename, safe='')}"

    def verify_media(self, token: str, filename: str, *, now: datetime) -> str | None:
        """Return the key that a link stands for, None for a forged, altered or expired one."""
        payload, _, mark = token.partition(".")
        if len(token) > TOKEN_CHARS_MAX or not _is_same(mark, self._media_mark(payload, filename)):
            return None
        try:
            text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
        except (ValueError, binascii.Error):
            return None
        expiry, _, key = text.partition(":")
        return key if now < datetime.fromtimestamp(int(expiry), UTC) else None

    def _callback_mark(self, provider: str, job_id: str, attempt: int) -> str:
        return _mark(self._callback_key, provider, job_id, attempt)

    def _media_mark(self, payload: str, filename: str) -> str:
        return _mark(self._media_key, payload, filename)


def _derive(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, f"seedance-bot {purpose} v1".encode(), hashlib.sha256)


def _mark(key: bytes, *parts: str | int) -> str:
    """Sign the parts; JSON keeps their borders unmistakable, whatever characters they hold."""
    return hmac.digest(key, json.dumps(parts).encode(), hashlib.sha256).hex()[:SIGNATURE_HEX_CHARS]


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
