"""The body of seedance-tv's POST /videos.

Always named: what is to be seen, `aspect_ratio`, the seconds and `seed`. `style`, `camera` and `motion_level` have no
value that means "none", neither documented nor to be guessed (a null or an unknown word may be refused), so that they
are left out unless chosen. There is no field for model, resolution, sound, watermark or references.
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.errors import InvariantBroken, ProviderRejected
from bot.domain.requests import Shot, Spec

#: The camera object's movements ("Use zoom, pan, and tilt"). Only `in` and `left` are shown; the rest is their family.
CAMERA_MOVES: Mapping[str, tuple[str, ...]] = {"zoom": ("in", "out"), "pan": ("left", "right"), "tilt": ("up", "down")}


def make_body(spec: Spec) -> dict[str, Any]:
    """Return the fields of a create. Shots go as `scenes`, each with its own seconds, instead of prompt and seconds.

    Raises:
        ProviderRejected: `tv_invalid_camera`, a camera move that there is no word for.
        InvariantBroken: a shot has no seconds.
    """
    body: dict[str, Any] = {"aspect_ratio": spec.aspect_ratio, "seed": spec.seed}
    if spec.shots:
        body["scenes"] = [_scene(shot) for shot in spec.shots]
    else:
        body |= {"prompt": spec.prompt, "duration_secs": spec.duration_s}
    if spec.style is not None:
        body["style"] = spec.style
    if spec.camera is not None:
        body["camera"] = _camera(spec.camera)
    if spec.motion is not None:
        body["motion_level"] = spec.motion
    return body


def seconds_of(fields: Mapping[str, Any]) -> int:
    """Return the seconds of clip that the fields of `make_body` ask for."""
    scenes = fields.get("scenes", ())
    return sum(scene["duration_secs"] for scene in scenes) if scenes else fields.get("duration_secs", 0)


def _scene(shot: Shot) -> dict[str, Any]:
    if shot.seconds is None:
        raise InvariantBroken("a shot of a decided storyboard has no seconds")
    return {"prompt": shot.prompt, "duration_secs": shot.seconds}


def _camera(move: str) -> dict[str, str]:
    axis, _, direction = move.strip().lower().partition(" ")
    if direction not in CAMERA_MOVES.get(axis, ()):
        raise ProviderRejected("tv_invalid_camera")
    return {axis: direction}
