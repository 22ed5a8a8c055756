"""The newcomer's path: one /video with the defaults, the clip in the channel, the balance 9.0 credits lower."""

import asyncio
import re
import shutil
import tempfile

import aiohttp

from playground.rig import Rig
from playground.scripts.reading import Json, clip_url, text_of
from playground.scripts.steps import Steps

PROMPT = "A cat running under cherry blossoms"
CLIP_TIMEOUT_S = 60
DECODE_TIMEOUT_S = 60
COST = "9.0"
LEFT = "41.0"
"""A member starts with 50 credits a week; 5 s of seedance-2.0 at 720p cost 9.0 (the provider's price table)."""


async def first_clip(rig: Rig, steps: Steps) -> None:
    """Run it. Raises StepFailed at the first step that does not hold."""
    discord, ann, channel = rig.discord, rig.discord.people["ann"], rig.discord.channels["video-lab"]
    rig.movie.render_s = 1.0
    outcome = await discord.slash(ann, channel, "video", {"prompt": PROMPT})
    steps.require(
        outcome.acknowledged, f"/video acknowledged in {outcome.latency_s * 1000:.0f} ms", "no acknowledgement"
    )

    def clip_message() -> Json | None:
        return next((message for message in discord.messages(channel, ann) if clip_url(message)), None)

    try:
        message = await discord.wait_for(clip_message, timeout_s=CLIP_TIMEOUT_S)
    except TimeoutError:
        steps.require(
            False,
            "the clip arrived in the channel",
            "; ".join(text_of(shown) for shown in discord.messages(channel, ann)),
        )
        return
    steps.ok("the clip arrived in the channel")
    data = await _download(clip_url(message))
    trouble = await _decode(data)
    steps.require(not trouble, f"the clip plays ({len(data):,} bytes of MP4, decoded to the end)", trouble)
    used = rig.movie.account.used
    steps.require(f"{used:.1f}" == COST, f"the provider was paid {COST} credits", f"it was paid {used}")
    await _check_balance(rig, steps)


async def _check_balance(rig: Rig, steps: Steps) -> None:
    discord, ann, channel = rig.discord, rig.discord.people["ann"], rig.discord.channels["video-lab"]
    seen = {message["id"] for message in discord.messages(channel, ann)}
    await discord.slash(ann, channel, "balance")

    def answer() -> str | None:
        new = [message for message in discord.messages(channel, ann) if message["id"] not in seen]
        return next((text for text in map(text_of, new) if re.search(r"\d", text)), None)

    try:
        text = await discord.wait_for(answer, timeout_s=10)
    except TimeoutError:
        text = "no answer"
    steps.require(bool(re.search(rf"(?<![\d.]){LEFT}(?!\d)", text)), f"/balance shows {LEFT} credits left of 50", text)


async def _download(url: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        answer.raise_for_status()
        return await answer.read()


async def _decode(data: bytes) -> str:
    """Decode every frame; what ffmpeg complains about, empty when nothing."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(data)
        file.flush()
        arguments = ["-v", "error", "-xerror", "-i", file.name, "-f", "null", "-"]
        process = await asyncio.create_subprocess_exec(
            _ffmpeg(), *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        _out, errors = await asyncio.wait_for(process.communicate(), DECODE_TIMEOUT_S)
    complaint = errors.decode(errors="replace").strip()
    return complaint or ("" if process.returncode == 0 else f"exit code {process.returncode}")


def _ffmpeg() -> str:
    try:
        import imageio_ffmpeg  # noqa: PLC0415 -- a system's own ffmpeg will do where the wheel is missing
    except ImportError:
        return shutil.which("ffmpeg") or "ffmpeg"
    return str(imageio_ffmpeg.get_ffmpeg_exe())
