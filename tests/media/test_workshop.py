"""Clips are fetched whole, resumed where the line broke, proven, and fitted to a limit."""

# ruff: noqa: ASYNC240  # small files on the local disk

from pathlib import Path

import aiohttp
import pytest

from bot.domain.errors import DownloadFailed, MediaRejected
from bot.media.child import Children
from bot.media.download import Downloader
from bot.media.store import LocalStore
from bot.media.videos import Videos
from bot.media.workshop import Workshop, plan_encode
from bot.ports import ClipInfo
from tests.media.conftest import FileServer
from tests.media.files import make_clip
from tests.waiting import PATIENCE_S

KEY = "clips/0123456789AB.mp4"


@pytest.fixture
def workshop(session: aiohttp.ClientSession, store: LocalStore, videos: Videos) -> Workshop:
    """A workshop that may reach this machine."""
    return limited(session, store, videos)


@pytest.fixture
def another(session: aiohttp.ClientSession, store: LocalStore, videos: Videos) -> Workshop:
    """A workshop of another process on the same store."""
    return limited(session, store, videos)


def limited(
    session: aiohttp.ClientSession,
    store: LocalStore,
    videos: Videos,
    *,
    most_bytes: int = 2**30,
    allow_private: bool = True,
) -> Workshop:
    """Another workshop on the same store."""
    downloader = Downloader(session, timeout_s=PATIENCE_S, allow_private=allow_private, most_bytes=most_bytes)
    return Workshop(store, downloader, videos, Children())


@pytest.fixture(scope="session")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of a megabyte or two, so that a broken line leaves a part of it."""
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "6M", "-c:a", "aac")
    return make_clip(tmp_path_factory.mktemp("large") / "large.mp4", *coding, seconds=3, size="1280x720")


@pytest.fixture
def clip(server: FileServer, large_file: Path) -> bytes:
    """A clip at the provider's address."""
    server.files["clip.mp4"] = large_file.read_bytes()
    return server.files["clip.mp4"]


async def test_fetches_and_describes_a_clip(
    workshop: Workshop, store: LocalStore, server: FileServer, clip: bytes
) -> None:
    """The kept file is the provider's, byte for byte, and nothing else is left."""
    info = await workshop.fetch_clip(server.url("clip.mp4"), KEY)

    assert (info.size_bytes, info.width, info.height, info.has_audio) == (len(clip), 1280, 720, True)
    assert (await store.local(KEY)).read_bytes() == clip
    assert await store.used_bytes() == len(clip)


async def test_a_kept_clip_is_not_fetched_again(workshop: Workshop, server: FileServer, clip: bytes) -> None:
    """After a crash between fetching and writing it down, the file is enough."""
    first = await workshop.fetch_clip(server.url("clip.mp4"), KEY)
    second = await workshop.fetch_clip(server.url("clip.mp4"), KEY)

    assert first == second
    assert len(server.requests) == 1


async def test_a_damaged_kept_clip_is_fetched_again(
    workshop: Workshop, store: LocalStore, server: FileServer, clip: bytes
) -> None:
    """A file that a power cut emptied does not count."""
    await workshop.fetch_clip(server.url("clip.mp4"), KEY)
    (await store.local(KEY)).write_bytes(bytes(500))
    await workshop.fetch_clip(server.url("clip.mp4"), KEY)

    assert (await store.local(KEY)).read_bytes() == clip


@pytest.mark.parametrize("tag", ['"one"', None], ids=["tagged", "untagged"])
async def test_resumes_where_the_line_broke(
    workshop: Workshop, store: LocalStore, server: FileServer, clip: bytes, tag: str | None
) -> None:
    """Only what is missing is asked for, on condition that the file is the same."""
    server.tag, server.breaks = tag, [len(clip) // 2]
    await workshop.fetch_clip(server.url("clip.mp4?signature=1"), KEY)

    assert (await store.local(KEY)).read_bytes() == clip
    (_, first, _), (_, second, condition) = server.requests
    assert first is None
    assert second is not None
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) <= len(clip) // 2
    assert condition == tag


async def test_resumes_what_an_earlier_call_left(
    workshop: Workshop, another: Workshop, store: LocalStore, server: FileServer, clip: bytes
) -> None:
    """A later try, of another process and with a freshly signed address, goes on from the part on disk."""
    server.breaks = [len(clip) // 2, 0, 0, 0, 0]
    with pytest.raises(DownloadFailed) as caught:
        await workshop.fetch_clip(server.url("clip.mp4?signature=1"), KEY)
    server.breaks.clear()
    await another.fetch_clip(server.url("clip.mp4?signature=2"), KEY)

    assert not caught.value.is_gone
    assert (await store.local(KEY)).read_bytes() == clip
    assert server.requests[-1][1] is not None


async def test_a_changed_file_is_fetched_from_the_start(
    workshop: Workshop, store: LocalStore, server: FileServer, clip: bytes, tmp_path: Path
) -> None:
    """Halves of two files are never put together."""
    server.breaks = [len(clip) // 2, 0, 0, 0, 0]
    with pytest.raises(DownloadFailed):
        await workshop.fetch_clip(server.url("clip.mp4"), KEY)
    server.breaks.clear()
    server.files["clip.mp4"] = make_clip(tmp_path / "other.mp4", seconds=1).read_bytes()
    server.tag = '"two"'
    await workshop.fetch_clip(server.url("clip.mp4"), KEY)

    assert (await store.local(KEY)).read_bytes() == server.files["clip.mp4"]


async def test_servers_without_ranges_send_it_all_again(
    workshop: Workshop, store: LocalStore, server: FileServer, clip: bytes
) -> None:
    """A 200 in place of a 206 starts the file over."""
    server.breaks, server.has_ranges = [len(clip) // 2], False
    await workshop.fetch_clip(server.url("clip.mp4"), KEY)

    assert (await store.local(KEY)).read_bytes() == clip


async def test_a_complete_part_needs_no_byte_more(
    workshop: Workshop, store: LocalStore, server: FileServer, clip: bytes
) -> None:
    """Killed between the last byte and the move: 416 says that nothing is missing."""
    server.breaks = [len(clip) // 2, 0, 0, 0, 0]
    with pytest.raises(DownloadFailed):
        await workshop.fetch_clip(server.url("clip.mp4"), KEY)
    part = next(file for file in store.work_file().parent.iterdir() if file.suffix != ".json")
    part.write_bytes(clip)
    server.breaks.clear()
    await workshop.fetch_clip(server.url("clip.mp4"), KEY)

    assert (await store.local(KEY)).read_bytes() == clip


@pytest.mark.parametrize(("status", "is_gone"), [(403, True), (404, True), (410, True), (500, False), (429, False)])
async def test_tells_gone_from_not_now(workshop: Workshop, server: FileServer, status: int, is_gone: bool) -> None:
    """Only 403, 404 and 410 say that the address will never answer."""
    server.statuses["clip.mp4"] = status

    with pytest.raises(DownloadFailed) as caught:
        await workshop.fetch_clip(server.url("clip.mp4"), KEY)
    assert caught.value.is_gone is is_gone


async def test_clips_beyond_the_limit_are_not_taken(
    session: aiohttp.ClientSession, store: LocalStore, videos: Videos, server: FileServer, clip: bytes
) -> None:
    """The disk is not filled by one answer."""
    with pytest.raises(DownloadFailed) as caught:
        await limited(session, store, videos, most_bytes=1000).fetch_clip(server.url("clip.mp4"), KEY)

    assert caught.value.code == "download_too_large"
    assert await store.used_bytes() < 1000


@pytest.mark.parametrize("body", [b"", b"<html>sorry</html>", b"\0\0\0\x18ftypisom\0\0\0\0isommp41" + bytes(5000)])
async def test_what_is_no_video_is_refused(
    workshop: Workshop, store: LocalStore, server: FileServer, body: bytes
) -> None:
    """An error page with status 200 is not posted as a clip."""
    server.files["clip.mp4"] = body

    with pytest.raises(MediaRejected) as caught:
        await workshop.fetch_clip(server.url("clip.mp4"), KEY)
    assert caught.value.code == "video_broken"
    assert await store.used_bytes() == 0


async def test_private_addresses_are_not_asked(
    session: aiohttp.ClientSession, store: LocalStore, videos: Videos, server: FileServer, clip: bytes
) -> None:
    """A provider's answer cannot point the bot at the operator's network."""
    with pytest.raises(DownloadFailed):
        await limited(session, store, videos, allow_private=False).fetch_clip(server.url("clip.mp4"), KEY)

    assert server.requests == []


async def test_small_clips_are_posted_as_they_are(workshop: Workshop, store: LocalStore, clip_file: Path) -> None:
    """Nothing is encoded without need."""
    await store.put(KEY, _copy(clip_file, store))

    assert await workshop.fit_clip(KEY, clip_file.stat().st_size) == await store.local(KEY)


async def test_large_clips_are_fitted_once(workshop: Workshop, store: LocalStore, large_file: Path) -> None:
    """The copy is within the limit, plays for as long, is kept, and goes with its clip."""
    limit = large_file.stat().st_size // 3
    await store.put(KEY, _copy(large_file, store))
    fitted = await workshop.fit_clip(KEY, limit)
    assert fitted is not None
    made_at, size = fitted.stat().st_mtime_ns, fitted.stat().st_size
    again = await workshop.fit_clip(KEY, limit)

    assert size <= limit
    assert again == fitted
    assert fitted.stat().st_mtime_ns == made_at
    await store.delete(KEY)
    assert await store.used_bytes() == 0


async def test_quality_has_a_floor(workshop: Workshop, store: LocalStore, clip_file: Path) -> None:
    """A clip that would become a blur is not fitted; a link goes out instead."""
    await store.put(KEY, _copy(clip_file, store))

    assert await workshop.fit_clip(KEY, 10_000) is None
    assert await store.used_bytes() == clip_file.stat().st_size


@pytest.mark.parametrize(
    ("seconds", "height", "budget", "lines"),
    [(5, 1080, 10_000_000, 1080), (15, 1080, 4_000_000, 720), (15, 1080, 1_500_000, 480), (15, 360, 100_000, 360)],
)
def test_lines_follow_the_budget(seconds: float, height: int, budget: int, lines: int) -> None:
    """Fewer bits mean fewer lines, never more than the clip has."""
    info = ClipInfo(0, seconds, height * 16 // 9, height, False)

    assert plan_encode(info, budget)[1] == lines


async def test_preview_is_the_first_frame(workshop: Workshop, store: LocalStore, clip_file: Path) -> None:
    """A JPEG goes with a link; a broken clip has none."""
    await store.put(KEY, _copy(clip_file, store))
    preview = await workshop.preview(KEY)
    broken = store.work_file()
    broken.write_bytes(b"nothing")
    await store.put("clips/broken.mp4", broken)

    assert preview is not None
    assert preview.read_bytes().startswith(b"\xff\xd8\xff")
    assert await workshop.preview(KEY) == preview
    assert await workshop.preview("clips/broken.mp4") is None


async def test_last_frame_is_the_one_that_a_clip_ends_with(
    workshop: Workshop, store: LocalStore, clip_file: Path
) -> None:
    """It is another picture than the first, and goes with the clip."""
    await store.put(KEY, _copy(clip_file, store))

    last = await workshop.last_frame(KEY)
    first = await workshop.preview(KEY)

    assert last is not None
    assert first is not None
    assert last.read_bytes().startswith(b"\xff\xd8\xff")
    assert last.read_bytes() != first.read_bytes()
    await store.delete(KEY)
    assert not last.exists()


def _copy(source: Path, store: LocalStore) -> Path:
    target = store.work_file()
    target.write_bytes(source.read_bytes())
    return target
