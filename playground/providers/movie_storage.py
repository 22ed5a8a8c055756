"""Presigned storage of the seedance2-movie emulator, in the manner of S3's query authentication."""

import hashlib
import hmac
import re
import time
from datetime import UTC, datetime
from urllib.parse import urlencode

from aiohttp import web

from playground.providers.base import RECORD
from playground.providers.movie_tasks import Account, StoredFile

BUCKET_PATH = "/bucket/"
SIGNING_KEY = b"emulated storage"
TIME_FORMAT = "%Y%m%dT%H%M%SZ"


def presign(origin: str, path: str, content_type: str, expires_s: int) -> str:
    """An address that takes one kind of file by PUT for `expires_s` seconds."""
    now = datetime.now(UTC)
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"AKIAEMULATED/{now:%Y%m%d}/us-east-1/s3/aws4_request",
        "X-Amz-Date": now.strftime(TIME_FORMAT),
        "X-Amz-Expires": str(expires_s),
        "X-Amz-SignedHeaders": "content-type;host",
    }
    query["X-Amz-Signature"] = _sign(path, content_type, query)
    return f"{origin}{BUCKET_PATH}{path}?{urlencode(query)}"


def safe_name(filename: str) -> str:
    """The part of a file name that may appear in a path."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", filename)


async def put_object(request: web.Request, accounts: list[Account]) -> web.Response:
    """Take an upload. 403 in S3's XML unless signature, time and Content-Type are right; a length must be announced."""
    path = request.match_info["path"]
    stored = next((account.files[path] for account in accounts if path in account.files), None)
    refusal = _refusal(request, path, stored)
    if refusal is not None or stored is None:
        return refusal or _xml(403, "AccessDenied", "Access Denied")
    data = await request.read()
    request[RECORD].size_bytes = len(data)
    stored.data = data
    return web.Response(headers={"ETag": f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'})


def _refusal(request: web.Request, path: str, stored: StoredFile | None) -> web.Response | None:
    query = {name: value for name, value in request.query.items() if name != "X-Amz-Signature"}
    try:
        signed_at = datetime.strptime(query["X-Amz-Date"], TIME_FORMAT).replace(tzinfo=UTC).timestamp()
        expires_s = int(query["X-Amz-Expires"])
        signature = request.query["X-Amz-Signature"]
    except (KeyError, ValueError):
        return _xml(403, "AccessDenied", "Access Denied")
    if time.time() >= signed_at + expires_s:
        return _xml(403, "AccessDenied", "Request has expired")
    content_type = request.headers.get("Content-Type", "")
    if stored is None or not hmac.compare_digest(signature, _sign(path, content_type, query)):
        return _xml(
            403,
            "SignatureDoesNotMatch",
            "The request signature does not match.",
        )
    if request.content_length is None:
        return _xml(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    return None


def _sign(path: str, content_type: str, query: dict[str, str]) -> str:
    text = "\n".join(["PUT", path, content_type, urlencode(sorted(query.items()))])
    return hmac.new(SIGNING_KEY, text.encode(), hashlib.sha256).hexdigest()


def _xml(status: int, code: str, message: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return web.Response(status=status, text=text, content_type="application/xml")
