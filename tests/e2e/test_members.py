"""What members meet, through the real wire: refusals, limits, buttons, callbacks, logs."""

import asyncio
import io
import json
import re
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from PIL import Image

from playground.discord import Outcome
from playground.rig import Rig
from tests.e2e.story import QUICK, clips, jobs_of, patient_rig, verify_ledger
from tests.waiting import PATIENCE_S, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("members")]

ENV = QUICK | {"MEMBER_ALLOWANCE_CREDITS": "27", "LOG_LEVEL": "DEBUG"}
EPHEMERAL = 1 << 6


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """One playground with a talkative log; members have credits for three default clips."""
    async with patient_rig(tmp_path_factory.mktemp("members"), bot_env=ENV) as made:
        made.movie.render_s = 0.3
        yield made


def png(width: int = 320, height: int = 240) -> bytes:
    """A small real PNG."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "PNG")
    return out.getvalue()


def huge_png() -> bytes:
    """A PNG whose header says 100 megapixels."""
    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    rest = png()[33:]
    return png()[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + rest


def gif() -> bytes:
    """A small real GIF."""
    out = io.BytesIO()
    Image.new("P", (8, 8)).save(out, "GIF")
    return out.getvalue()


def text_of(message: dict[str, Any] | None) -> str:
    """Everything that a reader sees of a message."""
    assert message is not None
    embeds = " ".join(
        " ".join([e.get("title") or "", e.get("description") or "", *(f["value"] for f in e.get("fields", []))])
        for e in message.get("embeds", [])
    )
    return f"{message.get('content') or ''} {embeds}"


def private_answer(outcome: Outcome) -> str:
    """The refusal: the reply itself where it is private, else the private follow-up after a removed placeholder."""
    shown = [m for m in [outcome.message, *outcome.follow_ups] if m is not None]
    assert shown, "nothing was answered"
    assert all(m["flags"] & EPHEMERAL for m in shown), "a refusal was public"
    return text_of(shown[-1])


BAD: list[tuple[str, dict[str, Any], dict[str, tuple[str, bytes]], str]] = [
    ("two characters", {"prompt": "hi"}, {}, "3"),
    ("6001 characters", {"prompt": "x" * 6001}, {}, "6000"),
    ("3 seconds", {"duration": 3}, {}, "4"),
    ("16 seconds", {"duration": 16}, {}, "15"),
    ("unknown model", {"model": "seedance2-movie/none"}, {}, "seedance2-movie/seedance-2.0-fast"),
    ("unknown resolution", {"resolution": "8k"}, {}, "1080p"),
    ("text named png", {}, {"reference_1": ("a.png", b"hello, this is text" * 9)}, "PNG"),
    ("100 megapixels", {}, {"start_image": ("a.png", huge_png())}, "50"),
    ("GIF", {}, {"reference_2": ("a.gif", gif())}, "PNG"),
    ("empty file", {}, {"reference_1": ("a.png", b"")}, "empty"),
]


@pytest.mark.parametrize(("name", "options", "files", "expected"), BAD, ids=[b[0] for b in BAD])
async def test_bad_input_is_refused_in_a_sentence_before_anything_is_held(
    rig: Rig, name: str, options: dict[str, Any], files: dict[str, tuple[str, bytes]], expected: str
) -> None:
    """The refusal is private and says what would work; no job, no hold, no request to the provider."""
    before = len(rig.movie.requests)
    given = {"prompt": "A lighthouse in fog"} | options
    outcome = await rig.discord.slash("ben", "video-lab", "video", given, files, checked=False)
    await until(lambda: [m for m in [outcome.message, *outcome.follow_ups] if m and not m["flags"] & 128], name)

    assert expected in private_answer(outcome)
    assert "Traceback" not in private_answer(outcome)
    assert len(rig.movie.requests) == before
    assert await jobs_of(rig, user_id=rig.discord.people["ben"].id) == []


async def test_twenty_commands_at_once_with_credits_for_three(rig: Rig) -> None:
    """Three are accepted, seventeen refused with the reason and a cheaper variant or the time; sums are exact."""
    rig.movie.render_s, used = 1.5, rig.movie.account.used
    outcomes = await asyncio.gather(
        *(rig.discord.slash("mo", "general", "video", {"prompt": f"A tram, number {n}"}) for n in range(20))
    )
    await until(lambda: len(clips(rig, "general")) == 3, "three clips")
    rig.movie.render_s = 0.3
    assert rig.movie.account.used - used == 27
    refused = [text_of(m) for o in outcomes for m in o.follow_ups if m is not None and m["flags"] & EPHEMERAL]

    assert all(o.acknowledged for o in outcomes)
    assert len(refused) == 17
    assert all("0" in text for text in refused)
    code, said = await rig.run_command("ledger", "verify")
    assert code == 0, said


async def test_cancel_again_and_delete_buttons(rig: Rig) -> None:
    """A running job is cancelled for nothing; a clip can be had again and deleted by its requester only."""
    used = rig.movie.account.used
    rig.movie.next_outcome(hang=True)
    asked = await rig.discord.slash("ann", "video-lab", "video", {"prompt": "A slow snail"})
    await until(
        lambda: any(t.order.prompt == "A slow snail" and t.status == "processing" for t in rig.movie.tasks.values())
    )
    await until(lambda: "sb1:cancel" in json.dumps(asked.message))
    await rig.discord.click("ann", int(asked.message["id"]), button(asked.message, "cancel"))
    await until(lambda: "retry" in json.dumps(asked.message), "the cancelled card with Try again")
    assert rig.movie.account.used == used

    count = len(clips(rig))
    await rig.discord.click("ann", int(asked.message["id"]), button(asked.message, "retry"))
    await until(lambda: len(clips(rig)) == count + 1)
    clip = clips(rig)[-1]
    denied = await rig.discord.click("ben", int(clip["id"]), button(clip, "delete"))
    assert denied.acknowledged
    await asyncio.sleep(0.3)
    assert clips(rig)[-1]["id"] == clip["id"]
    await rig.discord.click("ann", int(clip["id"]), button(clip, "delete"))
    await until(lambda: len(clips(rig)) == count)
    await verify_ledger(rig)


def button(message: dict[str, Any] | None, action: str) -> str:
    """The custom id of the button that does `action`."""
    found = re.search(rf'"(sb1:{action}:[^"]+)"', json.dumps(message))
    assert found, f"no {action} button on {message}"
    return found.group(1)


async def test_callbacks_forged_repeated_and_too_large_do_no_harm(rig: Rig) -> None:
    """Only the job's own address is taken, however often; the provider is asked, the body is not believed."""
    rig.movie.next_outcome(hang=True)
    await rig.discord.slash("ann", "video-lab", "video", {"prompt": "A patient heron"})
    task = await until(lambda: next((t for t in rig.movie.tasks.values() if t.status == "processing"), None))
    url = task.callback_url
    assert url is not None and len(url) <= 512
    count, asked = len(clips(rig)), len([r for r in rig.movie.requests if r.route == "status"])
    async with aiohttp.ClientSession() as session:

        async def send(address: str, body: bytes) -> int:
            async with session.post(address, data=body) as answer:
                return answer.status

        lie = json.dumps({"task_id": "somebody-elses", "status": "completed"}).encode()
        statuses = await asyncio.gather(*(send(url, lie) for _ in range(50)))
        forged = await send(url[:-1] + ("0" if url[-1] != "0" else "1"), lie)
        too_large = await send(url, b"x" * (64 * 1024 + 1))
        garbage = await send(url, b"\xff\x00 not json")
    assert set(statuses) == {200}
    assert (forged, too_large, garbage) == (404, 413, 200)
    await asyncio.sleep(1)
    assert len([r for r in rig.movie.requests if r.route == "status"]) - asked <= 2
    assert len(clips(rig)) == count
    await rig.movie.finish(task.id)
    await until(lambda: len(clips(rig)) == count + 1)
    await verify_ledger(rig)


async def test_clip_over_the_limit_is_made_to_fit(rig: Rig) -> None:
    """A clip larger than the channel takes arrives smaller, once."""
    rig.discord.settings.upload_limit_bytes = 400_000
    rig.movie.next_outcome(size_bytes=1_500_000)
    rig.discord.settings.member_upload_limit_bytes = 400_000
    count = len(clips(rig))
    await rig.run_command("pool", "--guild", str(rig.discord.guild_id), "--credits", "unlimited")
    owner = rig.discord.people["owner"]
    await rig.discord.slash(owner, "video-lab", "video", {"prompt": "A very large elephant", "resolution": "480p"})
    await until(lambda: len(clips(rig)) == count + 1)
    rig.discord.settings.upload_limit_bytes = 10 * 2**20
    rig.discord.settings.member_upload_limit_bytes = None

    assert clips(rig)[-1]["attachments"][0]["size"] <= 400_000
    await verify_ledger(rig)


async def test_clip_that_cannot_fit_comes_as_a_link_that_serves_ranges(rig: Rig) -> None:
    """Where a copy would be too poor, the member gets a signed link instead, and it plays from anywhere."""
    rig.discord.settings.upload_limit_bytes = rig.discord.settings.member_upload_limit_bytes = 30_000
    rig.movie.next_outcome(size_bytes=900_000, noise=True)
    seen = {m["id"] for m in rig.discord.messages("video-lab", "owner")}
    await rig.discord.slash("ben", "video-lab", "video", {"prompt": "A blizzard", "duration": 8})

    def link() -> str | None:
        for message in rig.discord.messages("video-lab", "owner"):
            if message["id"] not in seen and (
                found := re.search(r"http://127\.0\.0\.1:\d+/media/[^\s)>]+", message["content"])
            ):
                return found.group(0)
        return None

    url = await until(link, "a link")
    rig.discord.settings.upload_limit_bytes, rig.discord.settings.member_upload_limit_bytes = 10 * 2**20, None
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers={"Range": "bytes=100-199"}) as answer:
            part = await answer.read()
            assert (answer.status, len(part), answer.content_type) == (206, 100, "video/mp4")
        async with session.get(url.replace("/media/", "/media/x")) as forged:
            assert forged.status == 404


async def test_no_secret_in_any_log_line(rig: Rig) -> None:
    """After all of this, at DEBUG, the log has no token, key, presigned query, callback signature or prompt."""
    await rig.discord.slash(
        "owner", "video-lab", "video", {"prompt": "A secret garden"}, {"reference_1": ("mine.png", png())}
    )
    await until(lambda: any(r.route == "upload" and r.status for r in rig.movie.requests))
    await until(lambda: any("secret garden" in m["content"] for m in clips(rig)))
    log = rig.bot_log_path.read_text()
    signatures = [t.callback_url.rsplit("/", 1)[1] for t in rig.movie.tasks.values() if t.callback_url]
    tokens = [r.path.split("/")[3] for r in rig.discord.requests if r.path.startswith(("/webhooks/", "/interactions/"))]

    assert signatures and tokens
    for secret in [rig.discord.token, rig.movie.api_key, "X-Amz-Signature=", "secret garden", "mine.png"]:
        assert secret not in log, secret
    assert not [s for s in signatures + tokens if s in log]


async def test_sigterm_ends_in_order_and_the_job_goes_on(rig: Rig) -> None:
    """A stop in the middle of a job hands it back; the next start finishes it."""
    rig.movie.render_s = 2
    count = len(clips(rig))
    await rig.discord.slash("owner", "video-lab", "video", {"prompt": "A calm harbour"})
    await until(lambda: any(t.status == "processing" for t in rig.movie.tasks.values()))
    code, _ = await rig.terminate_bot(PATIENCE_S)
    await rig.start_bot()
    await until(lambda: len(clips(rig)) == count + 1)

    assert code == 0  # by itself; nobody had to kill it
    await verify_ledger(rig)


async def test_second_bot_on_the_same_database_is_refused(rig: Rig) -> None:
    """Two running bots on one SQLite file: the second says so in a line and ends."""
    code, said = await rig.run_command("run")

    assert code != 0
    assert "Traceback" not in said
    assert "another bot" in said
    assert "bot.db" in said
