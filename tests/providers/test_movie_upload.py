"""References: presigned, put with exactly the presigned type, and the key kept from the storage."""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.addresses import guarded_connector
from bot.domain.errors import (
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderError,
    ProviderRejected,
    ProviderUnreachable,
    SettingsInvalid,
)
from bot.domain.requests import Reference
from bot.ports import Urgency
from bot.providers.http import ApiClient
from bot.providers.seedance2_movie import ERROR_CODES, EXTENSIONS, Seedance2Movie
from playground.providers import Seedance2Movie as Emulator
from playground.providers.movie_rules import UPLOAD_TYPES
from tests.providers.conftest import API_KEY, PATIENT, SPEC, Connect, RecordingRate, Wire

Stored = tuple[Reference, Path]


async def test_a_reference_arrives_whole_and_can_be_used(
    movie: Seedance2Movie, emulator: Emulator, picture: Stored, clip: Stored
) -> None:
    """The bytes are the stored ones, and the strict emulator takes both files in a create."""
    uploads = [await movie.upload(*clip), await movie.upload(*picture)]
    receipt = await movie.submit(movie.compose(SPEC, uploads, callback_url=None))

    files = emulator.account.files
    assert [files[upload.address].data for upload in uploads] == [picture[1].read_bytes()] * 2
    assert [item["type"] for item in emulator.tasks[receipt.task_id].order.content] == [
        "image_url",
        "video_url",
        "text",
    ]


async def test_the_storage_sees_the_presigned_type_and_no_key(
    movie: Seedance2Movie, emulator: Emulator, picture: Stored, rate: RecordingRate, observed: list[tuple[str, int]]
) -> None:
    """Length announced, type exact, nothing of the account; only the presign counts on the account's budget."""
    await movie.upload(*picture)
    presign, put = emulator.requests

    assert presign.method == "POST"
    assert presign.query == {"filename": f"{picture[0].sha256[:32]}.png", "content_type": "image/png"}
    assert put.headers["Content-Type"] == "image/png"
    assert put.headers["Content-Length"] == str(picture[0].size_bytes)
    assert API_KEY not in str(put.headers)
    assert [urgency for _, urgency in rate.taken] == [Urgency.UPLOAD]
    assert observed == [("presign", 200), ("upload", 200)]


@pytest.mark.parametrize(("content_type", "extensions"), UPLOAD_TYPES.items())
async def test_every_documented_type_is_taken(
    movie: Seedance2Movie, emulator: Emulator, picture: Stored, *, content_type: str, extensions: tuple[str, ...]
) -> None:
    """Each with an extension that the document names for it."""
    await movie.upload(replace(picture[0], content_type=content_type), picture[1])

    assert f".{EXTENSIONS[content_type]}" in extensions
    assert emulator.requests[1].status == 200


async def test_a_type_that_is_not_documented_is_never_sent(
    movie: Seedance2Movie, emulator: Emulator, picture: Stored
) -> None:
    """Audio cannot be uploaded."""
    with pytest.raises(ProviderRejected):
        await movie.upload(replace(picture[0], content_type="audio/mpeg"), picture[1])
    assert emulator.requests == []


async def test_an_expired_address_is_renewed_once(movie: Seedance2Movie, emulator: Emulator, picture: Stored) -> None:
    """The storage says 403; a new address is asked for, and used."""
    emulator.faults.add("upload", "status", status=403)
    upload = await movie.upload(*picture)

    assert [record.route for record in emulator.requests] == ["presign", "upload", "presign", "upload"]
    assert emulator.account.files[upload.address].data == picture[1].read_bytes()


@pytest.mark.parametrize(
    ("status", "puts", "meaning"),
    [(403, 2, ProviderBusy), (404, 2, ProviderBusy), (413, 1, ProviderRejected), (503, 1, ProviderBusy)],
)
async def test_a_storage_that_keeps_refusing(
    movie: Seedance2Movie, emulator: Emulator, picture: Stored, *, status: int, puts: int, meaning: type[ProviderError]
) -> None:
    """Two tries at most; too large is for good."""
    emulator.faults.add("upload", "html", status=status, times=None)
    with pytest.raises(ProviderError) as caught:
        await movie.upload(*picture)

    assert type(caught.value) is meaning
    assert [record.route for record in emulator.requests].count("upload") == puts


@pytest.mark.parametrize("code", ERROR_CODES)
@pytest.mark.parametrize("status", [None, 200])
async def test_every_code_of_the_presign(
    movie: Seedance2Movie, emulator: Emulator, picture: Stored, *, code: str, status: int | None
) -> None:
    """Refusals are final, account trouble is the operator's, the rest is tried again."""
    emulator.faults.add(
        "presign", "error" if status is None else "status", code=code, **({} if status is None else {"status": status})
    )
    with pytest.raises(ProviderError) as caught:
        await movie.upload(*picture)
    refusals = ("INVALID_PARAMETER", "MISSING_PARAMETER", "CONTENT_MODERATION_FAILED")
    refusals += ("COPYRIGHT_VIOLATION", "PRIVACY_VIOLATION")
    account = ("INVALID_API_KEY", "INSUFFICIENT_CREDIT")
    expected = ProviderRejected if code in refusals else ProviderAccount if code in account else ProviderBusy

    assert (type(caught.value), caught.value.code) == (expected, code)


async def test_a_storage_that_breaks_off(movie: Seedance2Movie, emulator: Emulator, picture: Stored) -> None:
    """Repeating an upload is safe, so the error says only that it did not work."""
    emulator.faults.add("upload", "reset_before", times=None)

    with pytest.raises(ProviderAmbiguous):
        await movie.upload(*picture)


def presigning(wire: Wire, result: Callable[[], Any]) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "PUT":
            return web.Response()
        return web.json_response({"code": "200", "result": result()})

    wire.answer = answer


async def test_the_presigned_address_is_not_rewritten(connect: Connect, wire: Wire, picture: Stored) -> None:
    """Signatures cover every character of it."""
    path = "/b/a%2Fb%20c.png?X-Amz-Credential=AK%2F2026%2Fs3&sig=a%2Bb%3D&t=x%3Ay&e="
    presigning(wire, lambda: {"presigned_url": wire.origin + path, "file_path": "api/x.png", "expires_in": 60})
    await connect(wire.origin).upload(*picture)
    put = wire.requests[1]

    assert put.raw_path == path
    assert put.headers.getall("Content-Type") == ["image/png"]
    assert "X-API-Key" not in put.headers
    assert "Transfer-Encoding" not in put.headers


@pytest.mark.parametrize(
    "result", [None, {}, {"presigned_url": "", "file_path": "x"}, {"presigned_url": "ftp://x/y", "file_path": "x"}]
)
async def test_a_presign_without_an_address_is_asked_for_again(
    connect: Connect, wire: Wire, picture: Stored, *, result: Any
) -> None:
    """Nothing is put anywhere."""
    presigning(wire, lambda: result)

    with pytest.raises(ProviderBusy):
        await connect(wire.origin).upload(*picture)
    assert len(wire.requests) == 1


async def test_references_go_to_public_hosts_only(wire: Wire, picture: Stored) -> None:
    """A presigned address on a private host, by number or by name, is never connected to."""
    port = wire.origin.rpartition(":")[2]
    async with aiohttp.ClientSession(connector=guarded_connector()) as session:
        client = ApiClient(
            session, provider="p", base_url="https://api.example.com", headers={}, allow_private_hosts=False
        )
        for target in (f"http://127.0.0.1:{port}/x", f"https://127.0.0.1:{port}/x"):
            with pytest.raises(ProviderBusy, match="upload_address_refused"):
                await client.put_file("upload", target, picture[1], content_type="image/png")
        with pytest.raises(ProviderUnreachable):
            await client.put_file("upload", f"https://localhost:{port}/x", picture[1], content_type="image/png")

    assert wire.requests == []


@pytest.mark.parametrize("base_url", ["http://api.example.com", "https://10.0.0.1", "https://u:p@example.com", "x"])
async def test_an_api_address_that_is_not_public_https_stops_the_start(
    session: aiohttp.ClientSession, rate: RecordingRate, base_url: str
) -> None:
    """One line names the variable."""
    with pytest.raises(SettingsInvalid, match="SEEDANCE2_MOVIE_BASE_URL"):
        Seedance2Movie(session, base_url=base_url, api_key=API_KEY, rate=rate, allow_private_hosts=False)


async def test_no_signature_gets_into_an_error(wire: Wire, picture: Stored) -> None:
    """HTTP clients put the whole address into the text of a connect timeout; it ends at the edge."""
    arrived, let_go = asyncio.Event(), asyncio.Event()

    async def answer(_request: web.Request) -> web.StreamResponse:
        arrived.set()
        await let_go.wait()
        return web.Response()

    address = f"{wire.origin}/x?X-Amz-Signature=abc"

    async def put(session: aiohttp.ClientSession, timeout: aiohttp.ClientTimeout) -> None:
        client = ApiClient(
            session, provider="p", base_url=wire.origin, headers={}, allow_private_hosts=True, upload_timeout=timeout
        )
        await client.put_file("upload", address, picture[1], content_type="image/png")

    wire.answer = answer
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        first = asyncio.create_task(put(session, PATIENT))  # has the only connection
        await arrived.wait()
        with pytest.raises(ProviderError) as caught:
            await put(session, aiohttp.ClientTimeout(connect=0.2))
        let_go.set()
        await first

    assert str(caught.value) == "connect_timeout"
    assert "X-Amz" not in "".join(traceback.format_exception(caught.value))
