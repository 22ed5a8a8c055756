"""Videos are proven and stripped; the quick proof never says yes to a damaged clip."""

import random
from pathlib import Path

import imageio_ffmpeg
import pytest

from bot.domain.errors import MediaRejected
from bot.media.child import Children
from bot.media.mp4 import read_clip
from bot.media.videos import Videos
from tests.media.files import SECRET, make_clip


def damaged(clip: Path, folder: Path, how: str) -> Path:
    """A clip with one kind of damage."""
    data = bytearray(clip.read_bytes())
    media = data.index(b"mdat") + 4
    if how == "cut":
        data = data[: len(data) * 2 // 3]
    elif how == "zeroed":
        data[media + 8 :] = bytes(len(data) - media - 8)
    elif how == "half zeroed":
        data[(media + len(data)) // 2 :] = bytes(len(data) - (media + len(data)) // 2)
    elif how == "noise":
        data[media:] = random.Random(1).randbytes(len(data) - media)
    elif how == "no index":
        data[data.index(b"moov") : data.index(b"moov") + 4] = b"junk"
    elif how == "empty":
        data = bytearray()
    target = folder / "damaged.mp4"
    target.write_bytes(data)
    return target


@pytest.fixture
def samples(clip_file: Path, webm_file: Path, tmp_path: Path) -> list[Path]:
    """An MP4, a WebM, and a place for a result."""
    return [clip_file, webm_file, tmp_path / "stripped"]


DAMAGE = ["cut", "zeroed", "half zeroed", "noise", "no index", "empty"]


@pytest.mark.parametrize("how", DAMAGE)
def test_quick_proof_refuses_to_vouch_for_damage(clip_file: Path, tmp_path: Path, how: str) -> None:
    """Cut, zeroed, overwritten: each is left to the decoder."""
    assert read_clip(damaged(clip_file, tmp_path, how)) is None


@pytest.mark.parametrize("how", DAMAGE)
async def test_decoder_refuses_damage(videos: Videos, clip_file: Path, tmp_path: Path, how: str) -> None:
    """What the decoder cannot play either is no clip."""
    with pytest.raises(MediaRejected) as caught:
        await videos.prove(damaged(clip_file, tmp_path, how), "video/mp4")

    assert caught.value.code == "video_broken"


@pytest.mark.parametrize(
    "options",
    [
        ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"),
        ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-movflags", "+faststart"),
        ("-c:v", "libx265", "-preset", "ultrafast", "-an"),
        ("-c:v", "libx264", "-bf", "2", "-an"),
    ],
    ids=["index last", "index first", "h265", "b-frames"],
)
async def test_both_proofs_agree_on_sound_clips(videos: Videos, tmp_path: Path, options: tuple[str, ...]) -> None:
    """The quick proof vouches for what encoders write, with the decoder's figures."""
    clip = make_clip(tmp_path / "clip.mp4", *options, seconds=1)
    quick, slow = read_clip(clip), await videos.prove(clip, "video/mp4")

    assert quick is not None
    assert (quick.width, quick.height, quick.has_audio, quick.size_bytes) == (320, 180, slow.has_audio, slow.size_bytes)
    assert quick.duration_s == pytest.approx(slow.duration_s, abs=0.05)
    assert (slow.width, slow.height) == (320, 180)


def test_quick_proof_survives_every_twisted_byte(clip_file: Path, tmp_path: Path) -> None:
    """Nonsense in the index is never an exception."""
    data = clip_file.read_bytes()
    dice, target = random.Random(7), tmp_path / "twisted.mp4"
    index = data.index(b"mdat")
    for _ in range(300):
        twisted = bytearray(data)
        for _ in range(4):
            twisted[dice.randrange(index)] = dice.choice((0, 1, 0x7F, 0xFF))
        target.write_bytes(twisted)
        found = read_clip(target)

        assert found is None or found.size_bytes == len(data)


def test_quick_proof_leaves_other_containers_to_the_decoder(webm_file: Path) -> None:
    """It knows MP4 alone."""
    assert read_clip(webm_file) is None


@pytest.mark.parametrize(
    ("sample", "content_type", "place"),
    [(0, "video/mp4", b"loci"), (1, "video/webm", SECRET)],
    ids=["mp4", "webm"],
)
async def test_location_is_stripped(
    videos: Videos, samples: list[Path], sample: int, content_type: str, place: bytes
) -> None:
    """Place and title are gone, the tracks are the same."""
    source, target = samples[sample], samples[2]
    before = await videos.prove(source, content_type)
    await videos.strip(source, target, content_type)
    after = await videos.prove(target, content_type)

    assert place in source.read_bytes()
    assert b"holiday" in source.read_bytes()
    assert place not in target.read_bytes()
    assert b"holiday" not in target.read_bytes()
    assert after.duration_s == pytest.approx(before.duration_s, abs=0.05)
    assert after.has_audio == before.has_audio


async def test_cut_videos_are_not_stripped_into_sound_ones(videos: Videos, clip_file: Path, tmp_path: Path) -> None:
    """Copying what is left of a cut file would hide that it was cut."""
    with pytest.raises(MediaRejected):
        await videos.strip(damaged(clip_file, tmp_path, "cut"), tmp_path / "target", "video/mp4")


@pytest.mark.parametrize(("ending", "content_type"), [("mp3", "audio/mpeg"), ("wav", "audio/wav")])
async def test_sounds_are_probed(videos: Videos, tmp_path: Path, ending: str, content_type: str) -> None:
    """A sound has a duration and no picture."""
    source = make_clip(tmp_path / f"sound.{ending}", "-vn", seconds=1)
    await videos.strip(source, tmp_path / "stripped", content_type)
    found = await videos.prove(tmp_path / "stripped", content_type)

    assert found.duration_s == pytest.approx(1, abs=0.1)
    assert (found.width, found.height, found.has_audio) == (0, 0, True)
    assert b"holiday" not in (tmp_path / "stripped").read_bytes()


async def test_playlists_are_never_followed(videos: Videos, tmp_path: Path, clip_file: Path) -> None:
    """A playlist that names another file is no video, whatever it is called."""
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"ffconcat version 1.0\nfile {clip_file}\n")

    with pytest.raises(MediaRejected):
        await videos.prove(playlist, "video/mp4")


async def test_operator_names_the_program(children: Children, clip_file: Path) -> None:
    """The FFMPEG setting replaces the bundled binary."""
    own = Videos(children, imageio_ffmpeg.get_ffmpeg_exe())
    wrong = Videos(children, "/bin/false")

    assert (await own.prove(clip_file, "video/mp4")).width == 320
    with pytest.raises(MediaRejected):
        await wrong.prove(clip_file, "video/mp4")
