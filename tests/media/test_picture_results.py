"""Pictures of providers: fetched whole, proven by decoding, kept as they came, fitted to a limit."""

import io

import aiohttp
import pytest
from PIL import Image

from bot.domain.errors import DownloadFailed, MediaRejected
from bot.media.child import Children
from bot.media.download import Downloader
from bot.media.made_pictures import MadePictures
from bot.media.store import LocalStore
from tests.media.conftest import FileServer
from tests.media.files import SECRET, picture, png_header
from tests.waiting import PATIENCE_S

STEM = "pictures/0123456789AB.1"


@pytest.fixture
def pictures(session: aiohttp.ClientSession, store: LocalStore, children: Children) -> MadePictures:
    """A workshop for pictures that may reach this machine."""
    return MadePictures(store, Downloader(session, timeout_s=PATIENCE_S, allow_private=True), children)


@pytest.mark.parametrize(("form", "ending"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")])
async def test_a_picture_is_kept_as_it_came_under_the_ending_of_its_content(
    pictures: MadePictures, server: FileServer, store: LocalStore, form: str, ending: str
) -> None:
    """Not one byte of it is changed, whatever its address calls it."""
    server.files["picture.gif"] = picture(form, located=True)

    key = await pictures.fetch(server.url("picture.gif"), STEM)

    assert key == f"{STEM}.{ending}"
    assert (await store.local(key)).read_bytes() == server.files["picture.gif"]
    assert SECRET in (await store.local(key)).read_bytes()


async def test_a_kept_picture_is_not_fetched_again(pictures: MadePictures, server: FileServer) -> None:
    """Whatever its address says by now."""
    server.files["a.png"] = picture("PNG")
    first = await pictures.fetch(server.url("a.png"), STEM)

    assert await pictures.fetch(server.url("gone.png"), STEM) == first
    assert len(server.requests) == 1


async def test_a_broken_line_is_resumed(pictures: MadePictures, server: FileServer, store: LocalStore) -> None:
    """Only what is missing is asked for."""
    data = picture("PNG", (1200, 900))
    server.files["a.png"] = data
    server.breaks = [len(data) // 2]

    key = await pictures.fetch(server.url("a.png"), STEM)

    assert (await store.local(key)).read_bytes() == data
    assert server.requests[1][1] is not None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<html>not found</html>", "picture_broken"),
        (picture("PNG")[:-400], "picture_broken"),
        (picture("JPEG")[:2000], "picture_broken"),
        (png_header(9000, 9000), "picture_too_many_pixels"),
        (png_header(100, 100, b"\0"), "picture_broken"),
    ],
)
async def test_what_is_no_sound_picture_is_refused_and_not_kept(
    pictures: MadePictures, server: FileServer, store: LocalStore, data: bytes, code: str
) -> None:
    """A page, a cut file, too many pixels by its header, too little data."""
    server.files["a.png"] = data

    with pytest.raises(MediaRejected) as refused:
        await pictures.fetch(server.url("a.png"), STEM)

    assert refused.value.code == code
    assert await store.keys(-60) == []


async def test_an_address_that_is_gone_says_so(pictures: MadePictures, server: FileServer) -> None:
    """404 and its kin are for good."""
    server.statuses["a.png"] = 404

    with pytest.raises(DownloadFailed) as failed:
        await pictures.fetch(server.url("a.png"), STEM)

    assert failed.value.is_gone


async def test_a_private_address_is_refused(
    session: aiohttp.ClientSession, store: LocalStore, children: Children, server: FileServer
) -> None:
    """Addresses that a provider names are checked like all others."""
    server.files["a.png"] = picture("PNG")
    strict = MadePictures(store, Downloader(session, timeout_s=PATIENCE_S), children)

    with pytest.raises(DownloadFailed) as failed:
        await strict.fetch(server.url("a.png"), STEM)

    assert failed.value.code == "download_address"


async def test_a_picture_that_fits_is_posted_as_it_is(
    pictures: MadePictures, server: FileServer, store: LocalStore
) -> None:
    """No copy is made."""
    server.files["a.png"] = picture("PNG")
    key = await pictures.fetch(server.url("a.png"), STEM)

    assert await pictures.fit(key, 10_000_000) == await store.local(key)


async def test_a_large_picture_is_encoded_again_in_full_size_first(
    pictures: MadePictures, server: FileServer, store: LocalStore
) -> None:
    """As JPEG, once for each limit."""
    server.files["a.png"] = picture("PNG", (1600, 1200))
    key = await pictures.fetch(server.url("a.png"), STEM)
    limit = len(server.files["a.png"]) // 2

    fitted = await pictures.fit(key, limit)

    assert fitted is not None
    assert fitted.suffix == ".jpg"
    assert fitted.stat().st_size <= limit
    with Image.open(fitted) as image:
        assert image.size == (1600, 1200)
    made_at = fitted.stat().st_mtime_ns
    again = await pictures.fit(key, limit)
    assert again == fitted
    assert fitted.stat().st_mtime_ns == made_at


async def test_transparency_survives(pictures: MadePictures, server: FileServer) -> None:
    """JPEG has none, so the copy is a WebP."""
    image = Image.effect_noise((1200, 1200), 90).convert("RGBA")
    image.putalpha(Image.effect_noise((1200, 1200), 90))
    output = io.BytesIO()
    image.save(output, "PNG")
    server.files["a.png"] = output.getvalue()
    key = await pictures.fetch(server.url("a.png"), STEM)

    fitted = await pictures.fit(key, len(output.getvalue()) // 2)

    assert fitted is not None
    with Image.open(fitted) as copy:
        assert (copy.format, copy.mode) == ("WEBP", "RGBA")


async def test_nothing_decent_is_small_enough(pictures: MadePictures, server: FileServer, store: LocalStore) -> None:
    """Then there is no copy, and the picture stays."""
    server.files["a.png"] = picture("PNG", (1600, 1200))
    key = await pictures.fetch(server.url("a.png"), STEM)

    assert await pictures.fit(key, 5_000) is None
    assert await store.keys(-60) == [key]


async def test_pictures_go_with_their_job(pictures: MadePictures, server: FileServer, store: LocalStore) -> None:
    """Deleting what their keys begin with takes them and their copies."""
    server.files["a.png"] = picture("PNG", (1600, 1200))
    for number in (1, 2):
        key = await pictures.fetch(server.url("a.png"), f"pictures/0123456789AB.{number}")
        await pictures.fit(key, len(server.files["a.png"]) // 2)
    assert len(await store.keys(-60)) == 4

    await store.delete("pictures/0123456789AB")

    assert await store.keys(-60) == []
