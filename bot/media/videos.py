"""Videos and sounds: proven, stripped and fitted by ffmpeg in bounded child processes."""

import re
import shutil
from pathlib import Path

import imageio_ffmpeg

from bot.domain.errors import MediaRejected
from bot.media.child import MEBIBYTE, Bounds, Children, Finished
from bot.media.sniff import DEMUXERS
from bot.ports import ClipInfo

MEMORY_BYTES = 2048 * MEBIBYTE
PROOF_WALL_S = 60
PROOF_CPU_S = 60
ENCODE_WALL_S = 300
ENCODE_CPU_S = 600
AUDIO_BPS = 128_000
PREVIEW_WIDTH_PX = 1280
LAST_FRAME_WITHIN_S = 2

# Anchored to the line's beginning: a file's own words are printed further in.
_DURATION = re.compile(rb"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
_VIDEO = re.compile(rb"^  Stream #0:\d+.*: Video: .*?, (\d{1,5})x(\d{1,5})(?:[, ]|$)", re.MULTILINE)
_AUDIO = re.compile(rb"^  Stream #0:\d+.*: Audio: ", re.MULTILINE)
_FRAMES = re.compile(rb"^frame=(\d+)$", re.MULTILINE)
_CUT_SHORT = b"partial file"

_MUXERS = {"video/mp4": "mp4", "video/quicktime": "mov", "video/webm": "webm", "audio/mpeg": "mp3", "audio/wav": "wav"}
_SILENT = ("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags", "+bitexact")


class Videos:
    """ffmpeg, always with a fixed demuxer, no network protocols and no input of its own."""

    def __init__(self, children: Children, program: str | None = None) -> None:
        """`program` is the `FFMPEG` setting; None takes the bundled binary."""
        chosen = program or imageio_ffmpeg.get_ffmpeg_exe()
        self._program = str(Path(shutil.which(chosen) or chosen).resolve())
        self._children = children

    async def prove(self, path: Path, content_type: str) -> ClipInfo:
        """Read the whole file, decode every key frame of it (every sample of a sound) and say what it is.

        A damaged picture inside is no reason to refuse: it plays, and it was paid for.

        Raises:
            MediaRejected: `video_broken`, it does not play or ends early.
        """
        is_sound = content_type.startswith("audio/")
        finished = await self._run(
            ("-nostats", "-progress", "pipe:1", "-threads", "1", *(() if is_sound else ("-skip_frame", "nokey"))),
            path,
            content_type,
            ("-map", "0:a:0" if is_sound else "0:v:0", "-f", "null", "-"),
            Bounds(wall_s=PROOF_WALL_S, cpu_s=PROOF_CPU_S, memory_bytes=MEMORY_BYTES, file_bytes=MEBIBYTE),
        )
        _check(finished)
        duration, video = _DURATION.search(finished.stderr), _VIDEO.search(finished.stderr)
        frames = _FRAMES.findall(finished.stdout)
        is_seen = is_sound or (video is not None and bool(frames) and int(frames[-1]) > 0)
        if duration is None or not is_seen:
            raise MediaRejected("video_broken")
        width, height = (int(video[1]), int(video[2])) if video is not None else (0, 0)
        duration_s = int(duration[1]) * 3600 + int(duration[2]) * 60 + float(duration[3])
        return ClipInfo(_size(path), duration_s, width, height, _AUDIO.search(finished.stderr) is not None)

    async def strip(self, source: Path, target: Path, content_type: str) -> None:
        """Copy the first picture and sound track to `target` without metadata, chapters and data tracks.

        Nothing is encoded again. How the picture is turned stays.

        Raises:
            MediaRejected: `video_broken`.
        """
        tracks = ("-map", "0:a:0") if content_type.startswith("audio/") else ("-map", "0:v:0", "-map", "0:a:0?")
        file_bytes = 2 * _size(source) + MEBIBYTE
        finished = await self._run(
            (),
            source,
            content_type,
            (*tracks, "-c", "copy", *_SILENT, "-f", _MUXERS[content_type], "-y", f"file:{target}"),
            Bounds(wall_s=PROOF_WALL_S, cpu_s=PROOF_CPU_S, memory_bytes=MEMORY_BYTES, file_bytes=file_bytes),
        )
        _check(finished)

    async def shrink(self, source: Path, target: Path, content_type: str, *, video_bps: int, height: int) -> bool:
        """Encode a clip again at a bit rate and height in pixels. False where that did not work."""
        rate = str(video_bps)
        finished = await self._run(
            (),
            source,
            content_type,
            (
                *("-map", "0:v:0", "-map", "0:a:0?", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"),
                *("-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-vf", f"scale=-2:{height}"),
                *("-c:a", "aac", "-b:a", str(AUDIO_BPS), "-movflags", "+faststart", *_SILENT),
                *("-f", "mp4", "-y", f"file:{target}"),
            ),
            Bounds(
                wall_s=ENCODE_WALL_S,
                cpu_s=ENCODE_CPU_S,
                memory_bytes=MEMORY_BYTES,
                file_bytes=2 * _size(source) + MEBIBYTE,
            ),
        )
        return finished.is_ok

    async def first_frame(self, source: Path, target: Path, content_type: str) -> bool:
        """Write a clip's first frame as JPEG. False where there is none."""
        size = f"scale='min({PREVIEW_WIDTH_PX},iw)':-2"
        finished = await self._run(
            (),
            source,
            content_type,
            (
                "-map",
                "0:v:0",
                "-frames:v",
                "1",
                "-vf",
                size,
                *_SILENT,
                "-q:v",
                "4",
                "-f",
                "mjpeg",
                "-y",
                f"file:{target}",
            ),
            Bounds(wall_s=PROOF_WALL_S, cpu_s=PROOF_CPU_S, memory_bytes=MEMORY_BYTES, file_bytes=16 * MEBIBYTE),
        )
        return finished.is_ok and _size(target) > 0

    async def last_frame(self, source: Path, target: Path, content_type: str) -> bool:
        """Write a clip's last frame as JPEG, in its own size. False where there is none.

        Only the end is decoded; each of its frames overwrites the one before.
        """
        finished = await self._run(
            ("-sseof", f"-{LAST_FRAME_WITHIN_S}"),
            source,
            content_type,
            ("-map", "0:v:0", *_SILENT, "-q:v", "2", "-f", "image2", "-update", "1", "-y", f"file:{target}"),
            Bounds(wall_s=PROOF_WALL_S, cpu_s=PROOF_CPU_S, memory_bytes=MEMORY_BYTES, file_bytes=16 * MEBIBYTE),
        )
        return finished.is_ok and _size(target) > 0

    async def _run(
        self, before: tuple[str, ...], source: Path, content_type: str, after: tuple[str, ...], bounds: Bounds
    ) -> Finished:
        fixed = ("-protocol_whitelist", "file,pipe", "-f", DEMUXERS[content_type], "-i", f"file:{source}")
        return await self._children.run((self._program, "-hide_banner", "-nostdin", *before, *fixed, *after), bounds)


def _check(finished: Finished) -> None:
    if not finished.is_ok or _CUT_SHORT in finished.stderr:
        raise MediaRejected("video_broken")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
