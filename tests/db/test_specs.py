"""Requests are stored as JSON: what was written by this version or an older one is read."""

import json

import pytest

from bot.db.jobs import decode_spec, encode_spec
from bot.domain.requests import Kind, MediaKind, Reference, ReferenceRole, Shot, Spec

FULL = Spec(
    kind=Kind.IMAGE,
    model="seedance2ai/gpt-image-2",
    prompt="a boat",
    duration_s=0,
    resolution="1K",
    aspect_ratio="auto",
    audio=False,
    watermark=False,
    seed=4_294_967_295,
    is_seed_chosen=True,
    rendering="economy",
    references=(Reference(ReferenceRole.END_IMAGE, MediaKind.IMAGE, "image/png", 9, "x", "k", option="end_image"),),
    style="anime",
    camera="zoom in",
    motion="low",
    fixed_lens=True,
    count=3,
    format="png",
    shots=(Shot("a boat", 6), Shot("a cat", 4)),
)
#: As the version before pictures and storyboards wrote it.
OLD = {
    "kind": "video",
    "model": "seedance2-movie/seedance-2.0",
    "prompt": "a boat",
    "duration_s": 5,
    "resolution": "720p",
    "aspect_ratio": "16:9",
    "audio": False,
    "watermark": False,
    "seed": 7,
    "is_seed_chosen": False,
    "sample": None,
    "rendering": None,
    "references": [
        {
            "role": "start_image",
            "kind": "image",
            "content_type": "image/png",
            "size_bytes": 9,
            "sha256": "x",
            "key": "k",
            "width": 64,
            "height": 64,
            "duration_s": None,
            "option": "start_image",
        }
    ],
}


def test_every_option_comes_back() -> None:
    """Shots and references included, as they were."""
    assert decode_spec(encode_spec(FULL)) == FULL


def test_an_old_request_is_read() -> None:
    """With the defaults of what did not exist then."""
    spec = decode_spec(json.dumps(OLD))

    assert (spec.model, spec.seed, spec.references[0].role) == (OLD["model"], 7, ReferenceRole.START_IMAGE)
    assert (spec.count, spec.shots, spec.fixed_lens) == (1, (), False)


@pytest.mark.parametrize("field", ["style", "camera", "motion", "format"])
def test_an_old_request_chose_none_of(field: str) -> None:
    """Options that came later."""
    assert getattr(decode_spec(json.dumps(OLD)), field) is None
