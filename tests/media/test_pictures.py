"""Pictures are refused by header, stripped without loss, and proven to decode."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from bot.domain.errors import MediaRejected
from bot.media.child import Children
from bot.media.pictures import PictureInfo, clean_picture
from tests.media.files import SECRET, animated, picture, png_header

TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


async def cleaned(children: Children, folder: Path, form: str, data: bytes) -> tuple[PictureInfo, bytes]:
    """Clean a picture; return what was found and the new file."""
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    info = await clean_picture(children, source, target, TYPES[form])
    return info, target.read_bytes()


async def refusal(children: Children, folder: Path, form: str, data: bytes) -> MediaRejected:
    """Return why a picture is refused."""
    with pytest.raises(MediaRejected) as caught:
        await cleaned(children, folder, form, data)
    return caught.value


@pytest.mark.parametrize("form", TYPES)
async def test_position_and_words_are_stripped_and_pixels_kept(children: Children, tmp_path: Path, form: str) -> None:
    """A picture with GPS data comes out with the very same pixels and none of the data."""
    before = picture(form, located=True)
    info, after = await cleaned(children, tmp_path, form, before)

    assert info == PictureInfo(320, 200)
    assert SECRET in before or form == "PNG"
    assert SECRET not in after
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
        assert dict(old.getexif())
        assert not dict(new.getexif())
        assert old.convert("RGB").tobytes() == new.convert("RGB").tobytes()


@pytest.mark.parametrize("form", TYPES)
async def test_turned_pictures_come_out_upright(children: Children, tmp_path: Path, form: str) -> None:
    """The rotation tag is applied before it is lost: the red corner is where a viewer saw it."""
    info, after = await cleaned(children, tmp_path, form, picture(form, turned=True, located=True))

    assert info == PictureInfo(200, 320)
    assert SECRET not in after
    with Image.open(io.BytesIO(after)) as new:
        red, green, _ = new.convert("RGB").crop((175, 15, 185, 25)).resize((1, 1)).tobytes()
        assert (red > 200, green < 60) == (True, True)
        assert not dict(new.getexif())


async def test_colour_profile_stays(children: Children, tmp_path: Path) -> None:
    """Colours must look as they did."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    output = io.BytesIO()
    Image.new("RGB", (100, 100), "red").save(output, "JPEG", icc_profile=profile)
    _, after = await cleaned(children, tmp_path, "JPEG", output.getvalue())

    with Image.open(io.BytesIO(after)) as new:
        assert new.info["icc_profile"] == profile


@pytest.mark.parametrize("form", TYPES)
async def test_what_hangs_behind_the_picture_is_cut(children: Children, tmp_path: Path, form: str) -> None:
    """Motion photos and hidden archives carry data after the end mark."""
    _, after = await cleaned(children, tmp_path, form, picture(form) + SECRET * 100)

    assert SECRET not in after


async def test_hundred_megapixels_are_refused_by_header(children: Children, tmp_path: Path) -> None:
    """The size is read before decoding: the pixel data of this file does not even exist."""
    error = await refusal(children, tmp_path, "PNG", png_header(10_000, 10_000))

    assert error.code == "picture_too_many_pixels"
    assert error.params == {"pixels_m": 100, "most_m": 50}


@pytest.mark.parametrize(("form", "at"), [("JPEG", b"\xff\xc0\x00\x11\x08"), ("WEBP", b"VP8 ")], ids=["jpeg", "webp"])
async def test_claimed_sizes_of_other_formats_count_too(
    children: Children, tmp_path: Path, form: str, at: bytes
) -> None:
    """A JPEG or WebP that claims a huge size is refused by that claim."""
    data = bytearray(picture(form))
    place = data.index(at)
    if form == "JPEG":
        data[place + 5 : place + 9] = (9000).to_bytes(2) + (9000).to_bytes(2)
    else:
        data[place + 14 : place + 18] = (16_000).to_bytes(2, "little") * 2

    assert (await refusal(children, tmp_path, form, bytes(data))).code == "picture_too_many_pixels"


async def test_packed_gigabytes_behind_a_small_claim_are_not_unpacked(children: Children, tmp_path: Path) -> None:
    """Decoding stops at the size that the header names, within the child's bounds."""
    info, _ = await cleaned(children, tmp_path, "PNG", png_header(100, 100, bytes(200 * 1024 * 1024)))

    assert info == PictureInfo(100, 100)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
async def test_animated_pictures_are_refused(children: Children, tmp_path: Path, form: str) -> None:
    """Only the first frame could count, and nobody would know."""
    assert (await refusal(children, tmp_path, form, animated(form))).code == "picture_animated"


@pytest.mark.parametrize("form", TYPES)
async def test_cut_pictures_are_broken(children: Children, tmp_path: Path, form: str) -> None:
    """Half a file does not pass."""
    whole = picture(form)

    assert (await refusal(children, tmp_path, form, whole[: len(whole) // 2])).code == "picture_broken"


@pytest.mark.parametrize("form", TYPES)
async def test_magic_bytes_before_nonsense_are_broken(children: Children, tmp_path: Path, form: str) -> None:
    """A right beginning is no picture."""
    assert (await refusal(children, tmp_path, form, picture(form)[:16] + b"nonsense" * 100)).code == "picture_broken"
