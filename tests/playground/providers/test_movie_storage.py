"""Uploads and results: presigned storage, signed result addresses, ranges."""

from urllib.parse import urlsplit

import pytest

from tests.playground.providers.conftest import CLIP, Api


async def test_presign_answers_address_path_and_lifetime(api: Api) -> None:
    """The address is S3-like, and the path keeps the file's name."""
    granted = await api.presign()

    assert granted.keys() == {"presigned_url", "file_path", "expires_in"}
    assert granted["file_path"].startswith("api/uploads/1/")
    assert granted["file_path"].endswith("_scene.png")
    assert granted["expires_in"] == 3600
    assert "X-Amz-Signature" in urlsplit(granted["presigned_url"]).query


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"content_type": "image/png"}, "MISSING_PARAMETER"),
        ({"filename": "a.png"}, "MISSING_PARAMETER"),
        ({"filename": "", "content_type": "image/png"}, "MISSING_PARAMETER"),
        ({"filename": "a" * 125 + ".png", "content_type": "image/png"}, "INVALID_PARAMETER"),
        ({"filename": "a.gif", "content_type": "image/gif"}, "INVALID_PARAMETER"),
        ({"filename": "a.mp3", "content_type": "audio/mpeg"}, "INVALID_PARAMETER"),
        ({"filename": "a.jpg", "content_type": "image/png"}, "INVALID_PARAMETER"),
    ],
    ids=str,
)
async def test_presign_refuses(api: Api, query: dict[str, str], code: str) -> None:
    """Missing parameters, long names and types off the list are 400."""
    status, body = await api.call("POST", "/upload/presign", params=query)

    assert (status, body["code"]) == (400, code)


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [
        ("a" * 124 + ".png", "image/png"),
        ("a.jpg", "image/jpeg"),
        ("a.JPEG", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.mp4", "video/mp4"),
        ("a.mov", "video/quicktime"),
        ("a.webm", "video/webm"),
    ],
)
async def test_every_listed_type_can_be_uploaded(api: Api, filename: str, content_type: str) -> None:
    """What was put is what is stored."""
    path = await api.upload(filename, content_type, b"data")

    assert api.movie.account.files[path].data == b"data"


async def test_another_content_type_is_forbidden(api: Api) -> None:
    """The Content-Type must match the presigned one, and nothing is stored otherwise."""
    granted = await api.presign()

    status, text = await api.put(granted["presigned_url"], b"x", "image/jpeg")

    assert (status, "SignatureDoesNotMatch" in text) == (403, True)
    assert (await api.submit(content=[{"type": "image_url", "image_url": granted["file_path"]}]))[0] == 400


@pytest.mark.parametrize(
    ("old", "new"),
    [("X-Amz-Signature=", "X-Amz-Signature=0"), ("X-Amz-Expires=3600", "X-Amz-Expires=9999"), ("X-Amz-Date", "X-Date")],
)
async def test_a_tampered_address_is_forbidden(api: Api, old: str, new: str) -> None:
    """The signature covers the query."""
    url = (await api.presign())["presigned_url"]

    assert old in url
    assert (await api.put(url.replace(old, new), b"x", "image/png"))[0] == 403


async def test_an_expired_address_is_forbidden_and_a_new_one_works(api: Api) -> None:
    """The lifetime of an address is told and kept."""
    api.movie.knobs.presign_expires_s = 0
    granted = await api.presign()
    status, text = await api.put(granted["presigned_url"], b"x", "image/png")

    assert (granted["expires_in"], status, "Request has expired" in text) == (0, 403, True)
    api.movie.knobs.presign_expires_s = 60
    assert await api.upload()


async def test_an_upload_without_length_is_refused(api: Api) -> None:
    """S3 takes no chunked PUT."""

    async def chunks():  # type: ignore[no-untyped-def]
        yield b"x"

    assert (await api.put((await api.presign())["presigned_url"], chunks(), "image/png"))[0] == 411


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-99", 0, 99), ("bytes=10000-", 10000, 10239), ("bytes=-5", 10235, 10239), ("bytes=5-99999", 5, 10239)],
)
async def test_a_clip_is_sent_in_ranges(api: Api, wanted: str, first: int, last: int) -> None:
    """206 with the bytes asked for and Content-Range."""
    url = (await api.status(await api.ended()))["video_url"]

    status, body, headers = await api.get(url, Range=wanted)

    assert (status, body) == (206, CLIP[first : last + 1])
    assert headers["Content-Range"] == f"bytes {first}-{last}/{len(CLIP)}"


async def test_a_range_beyond_the_end_is_416_and_a_changed_file_comes_whole(api: Api) -> None:
    """Unsatisfiable ranges and stale If-Range."""
    url = (await api.status(await api.ended()))["video_url"]

    assert (await api.get(url, Range="bytes=99999-"))[0] == 416
    assert (await api.get(url, **{"Range": "bytes=5-9", "If-Range": '"old"'}))[:2] == (200, CLIP)


async def test_result_addresses_are_signed_and_expire(api: Api) -> None:
    """Wrong token, later expiry and a passed expiry are 403; the knob renews at the next status query."""
    api.movie.next_outcome(url_expired=True)
    task = await api.ended()
    expired = (await api.status(task))["video_url"]
    assert (await api.get(expired))[0] == 403
    assert (await api.get(expired.replace("expires=", "expires=9")))[0] == 403

    api.movie.knobs.renews_urls = True
    fresh = (await api.status(task))["video_url"]

    assert (await api.get(fresh))[:2] == (200, CLIP)
    assert (await api.get(fresh.replace("token=", "token=0")))[0] == 403
