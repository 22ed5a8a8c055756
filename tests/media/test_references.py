"""What members attach is checked by content against the model, stripped and kept; a refusal keeps nothing."""

# ruff: noqa: ASYNC240  # small files on the local disk

import hashlib
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from bot.domain.catalog import MODELS, Model
from bot.domain.errors import MediaRejected
from bot.domain.requests import Attachment, MediaKind, ReferenceRole
from bot.media.child import Children
from bot.media.references import References
from bot.media.store import LocalStore
from bot.media.videos import Videos
from tests.media.conftest import FileServer
from tests.media.files import SECRET, animated, picture, png_header

MODEL = replace(MODELS[0], max_reference_duration_s=3.0, max_image_bytes=1024 * 1024)


@pytest.fixture
def references(session: aiohttp.ClientSession, store: LocalStore, children: Children, videos: Videos) -> References:
    """The intake under test, allowed to reach this machine."""
    return References(session, store, children, videos, allow_private=True)


def attach(
    server: FileServer,
    name: str,
    data: bytes,
    role: ReferenceRole = ReferenceRole.REFERENCE,
    option: str = "reference_1",
) -> Attachment:
    """Put a file on the server and describe it as Discord does."""
    server.files[name] = data
    return Attachment(option, role, name, max(len(data), 1), server.url(name))


async def refusal(references: References, *attachments: Attachment, model: Model = MODEL) -> MediaRejected:
    """Return why attachments are refused."""
    with pytest.raises(MediaRejected) as caught:
        await references.store(attachments, model)
    return caught.value


def files_in(store: LocalStore) -> list[Path]:
    """Everything on the store's disk, unfinished work included."""
    return [path for path in store.work_file().parent.parent.rglob("*") if path.is_file()]


async def test_keeps_pictures_and_videos_without_their_metadata(
    references: References, store: LocalStore, server: FileServer, clip_file: Path
) -> None:
    """Order, options, hashes and figures are those of the kept copies."""
    kept = await references.store(
        [
            attach(server, "me.png", picture("JPEG", located=True), ReferenceRole.START_IMAGE, "start_image"),
            attach(server, "x.bin", clip_file.read_bytes(), option="reference_2"),
        ],
        MODEL,
    )

    start, video = kept
    assert (start.option, start.kind, start.content_type) == ("start_image", MediaKind.IMAGE, "image/jpeg")
    assert (start.width, start.height, start.duration_s) == (320, 200, None)
    assert (video.option, video.kind, video.content_type) == ("reference_2", MediaKind.VIDEO, "video/mp4")
    assert video.duration_s == pytest.approx(2, abs=0.1)
    for reference in kept:
        data = (await store.local(reference.key)).read_bytes()
        assert SECRET not in data
        assert (len(data), hashlib.sha256(data).hexdigest()) == (reference.size_bytes, reference.sha256)
        assert "me" not in reference.key
    assert len(files_in(store)) == 2


SMALL = picture("PNG", (40, 40))
REFUSALS: dict[str, tuple[bytes, str, dict[str, object]]] = {
    "text named png": (b"only words", "file_type", {"offered": "PNG, JPEG, WebP, MP4, MOV, WebM"}),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "file_type", {}),
    "sound": (b"ID3\x04" + bytes(400), "file_type", {}),
    "gif": (animated("GIF"), "file_gif", {"offered": "PNG, JPEG, WebP, MP4, MOV, WebM"}),
    "empty": (b"", "file_empty", {}),
    "hundred megapixels": (png_header(10_000, 10_000), "picture_too_many_pixels", {"pixels_m": 100, "most_m": 50}),
    "broken picture": (picture("PNG")[:900], "picture_broken", {}),
    "animated": (animated("WEBP"), "picture_animated", {}),
    "small side": (SMALL, "picture_side", {"width": 40, "height": 40, "least": 64, "most": 12_000}),
    "large file": (picture("PNG") + bytes(1024 * 1024), "file_too_large", {"size_mib": 2, "most_mib": 1}),
    "broken video": (b"\0\0\0\x18ftypisom\0\0\0\0isommp41" + bytes(5000), "video_broken", {}),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_refusals_name_the_option_and_keep_nothing(
    references: References, store: LocalStore, server: FileServer, case: str
) -> None:
    """Each wrong file has its own reason; the sound file beside it is not kept either."""
    data, code, params = REFUSALS[case]
    error = await refusal(
        references,
        attach(server, "fine.png", picture("PNG")),
        attach(server, "cat.png", data, option="reference_2"),
    )

    assert error.code == code
    assert error.params["option"] == "reference_2"
    assert error.params.items() >= params.items()
    assert files_in(store) == []


async def test_start_images_must_be_pictures(references: References, server: FileServer, clip_file: Path) -> None:
    """A clip cannot be a first frame; the refusal says what can."""
    error = await refusal(references, attach(server, "a.mp4", clip_file.read_bytes(), ReferenceRole.START_IMAGE))

    assert (error.code, error.params["offered"]) == ("file_type", "PNG, JPEG, WebP")


async def test_long_videos_are_refused(references: References, server: FileServer, clip_file: Path) -> None:
    """The model's longest reference counts."""
    error = await refusal(
        references, attach(server, "a.mp4", clip_file.read_bytes()), model=replace(MODEL, max_reference_duration_s=1)
    )

    assert (error.code, error.params["most"]) == ("video_too_long", 1)


async def test_size_is_counted_not_believed(references: References, server: FileServer) -> None:
    """A file larger than Discord said is stopped while it streams."""
    liar = replace(attach(server, "a.png", picture("PNG", (800, 800)) + bytes(2 * 1024 * 1024)), size_bytes=10)

    assert (await refusal(references, liar)).code == "file_too_large"


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_unreachable_files_are_named(references: References, server: FileServer, status: int) -> None:
    """An expired link is a failed download, not a broken picture."""
    lost = attach(server, "a.png", picture("PNG"))
    server.statuses["a.png"] = status

    assert (await refusal(references, lost)).code == "download_failed"


async def test_broken_connections_are_failed_downloads(references: References, server: FileServer) -> None:
    """Half a download is not checked as if it were the file."""
    server.breaks = [20_000] * 4

    assert (await refusal(references, attach(server, "a.png", picture("PNG")))).code == "download_failed"


async def test_private_addresses_are_refused_by_default(
    store: LocalStore, children: Children, videos: Videos, session: aiohttp.ClientSession, server: FileServer
) -> None:
    """Nothing is asked of a machine inside the operator's network."""
    strict = References(session, store, children, videos)

    assert (await refusal(strict, attach(server, "a.png", picture("PNG")))).code == "download_failed"
    assert server.requests == []
