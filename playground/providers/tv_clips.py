"""The clips of the seedance-tv emulator: one shot per scene, each showing its prompt and what it was asked for."""

import asyncio
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg

from playground.providers.clips import ENCODE_TIMEOUT_S, Clip, ClipSpec, ClipStudio
from playground.providers.mp4 import pad
from playground.providers.tv_rules import Order, Scene
from playground.providers.tv_tasks import Outcome


async def render_order(studio: ClipStudio, order: Order, outcome: Outcome) -> Clip:
    """Render every shot and join them. Raises subprocess.SubprocessError when ffmpeg fails."""
    specs = [_spec(order, shot, place, outcome) for place, shot in enumerate(order.shots, 1)]
    clips = await asyncio.gather(*(studio.render(spec) for spec in specs))
    video = clips[0].video
    if len(clips) > 1:
        video = await asyncio.to_thread(join, [clip.video for clip in clips])
    return Clip(pad(video, outcome.size_bytes), clips[-1].last_frame)


def join(videos: Sequence[bytes]) -> bytes:
    """Play MP4s of the same codec and dimensions one after the other. Raises subprocess.SubprocessError."""
    with tempfile.TemporaryDirectory(prefix="clip-") as folder:
        names = [f"{place}.mp4" for place in range(len(videos))]
        for name, video in zip(names, videos, strict=True):
            Path(folder, name).write_bytes(video)
        listing, target = Path(folder, "list.txt"), Path(folder, "joined.mp4")
        listing.write_text("".join(f"file {name}\n" for name in names))
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
        command += ["-f", "concat", "-i", str(listing), "-c", "copy", "-movflags", "+faststart", str(target)]
        # The binary is the one that imageio-ffmpeg ships, and every argument is made here.
        subprocess.run(command, check=True, capture_output=True, timeout=ENCODE_TIMEOUT_S)  # noqa: S603
        return target.read_bytes()


def _spec(order: Order, shot: Scene, place: int, outcome: Outcome) -> ClipSpec:
    words = [f"scene {place} of {len(order.shots)}"] if order.has_scenes else []
    words += [f"{shot.duration} s", order.ratio]
    words += [word for word in (order.style, *(f"{name} {move}" for name, move in order.camera)) if word]
    words += [f"motion {order.motion_level}"] if order.motion_level else []
    return ClipSpec(
        prompt=shot.prompt,
        resolution=order.resolution,
        ratio=order.ratio,
        duration_s=shot.duration,
        caption=" · ".join(words),
        size_bytes=outcome.size_bytes * shot.duration // order.duration if outcome.noise else 0,
        noise=outcome.noise,
    )
