"""The rules of the seedance-tv document: error table, enumerations, and the check of a submitted body.

Where the document is silent, the emulator decides:
- A body that is no JSON is a 422 like every other fault of a body; all its faults are told at once.
- Unknown fields are refused, and so is null, which is no value of any parameter.
- Exactly one of prompt and scenes. Scenes have their own durations, so duration_secs does not go with them.
- A scene takes prompt and duration_secs, both required, and nothing else.
- Whole seconds, and no more of them in all than the same model makes elsewhere: 4-15, a scene from 1.
- camera has at least one of zoom (in, out), pan (left, right) and tilt (up, down); "in" and "left" are named.
- motion_level: the two words that are named. style: what /styles lists. seed: not negative, 31 bits.
"""

from dataclasses import dataclass
from typing import Any

from playground.providers.tv_fields import Fields, Problem, Refused, Where

MODEL = "seedance-2.0"
RESOLUTION = "1080p"
RATIOS = ("16:9", "1:1", "9:16")
STYLES = ("photorealistic", "photorealism", "cinematic", "anime", "cyberpunk", "watercolor", "film-noir")
CAMERA = {"zoom": ("in", "out"), "pan": ("left", "right"), "tilt": ("up", "down")}
SEED_MAX = 2**31 - 1
# "Common Seedance 2.0 API Error Codes and Solutions"; the others are not in it.
MESSAGES = {
    401: "Unauthorized",
    404: "Not Found",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    402: "Insufficient credits",
    503: "Service Unavailable",
}


@dataclass(slots=True)
class Limits:
    """What the document does not number; all of it can be turned."""

    duration_s_min: int = 4
    duration_s_max: int = 15  # of a scene too, and of all scenes together
    scene_s_min: int = 1
    default_duration_s: int = 5
    prompt_characters_max: int | None = None
    scenes_max: int | None = None
    styles: tuple[str, ...] = STYLES
    motion_levels: tuple[str, ...] = ("low", "high")


@dataclass(frozen=True, slots=True)
class Scene:
    """One shot."""

    prompt: str
    duration: int


@dataclass(frozen=True, slots=True)
class Order:
    """A submitted body with the defaults filled in; without `scenes` there is one shot."""

    shots: tuple[Scene, ...]
    has_scenes: bool
    ratio: str
    style: str | None
    seed: int | None
    camera: tuple[tuple[str, str], ...]
    motion_level: str | None
    model: str = MODEL
    resolution: str = RESOLUTION

    @property
    def prompt(self) -> str:
        """The prompts of all shots, one per line."""
        return "\n".join(shot.prompt for shot in self.shots)

    @property
    def duration(self) -> int:
        """Seconds of the whole clip."""
        return sum(shot.duration for shot in self.shots)


def read_order(body: Any, limits: Limits) -> Order:
    """Check a submitted body.

    Raises:
        Refused: 422, with everything that is wrong.
    """
    problems: list[Problem] = []
    fields = Fields(body, problems)
    has_scenes = "scenes" in fields
    shots = _scenes(fields, problems, limits) if has_scenes else _one_shot(fields, limits)
    order = Order(
        shots=shots,
        has_scenes=has_scenes,
        ratio=fields.one_of("aspect_ratio", RATIOS) or RATIOS[0],
        style=fields.one_of("style", limits.styles),
        seed=fields.integer("seed", 0, SEED_MAX),
        camera=_camera(fields, problems),
        motion_level=fields.one_of("motion_level", limits.motion_levels),
    )
    fields.end()
    if problems:
        raise Refused(422, problems=tuple(problems) if fields.is_object else tuple(problems[:1]))
    return order


def _one_shot(fields: Fields, limits: Limits) -> tuple[Scene, ...]:
    prompt = fields.text("prompt", limits.prompt_characters_max)
    duration = fields.integer("duration_secs", limits.duration_s_min, limits.duration_s_max)
    return (Scene(prompt, limits.default_duration_s if duration is None else duration),)


def _scenes(fields: Fields, problems: list[Problem], limits: Limits) -> tuple[Scene, ...]:
    fields.refuse("prompt", "must not be given together with scenes")
    fields.refuse("duration_secs", "must not be given together with scenes")
    items = fields.raw("scenes")
    if not isinstance(items, list) or not items:
        fields.wrong("scenes", "must be an array of at least 1 scene")
        return ()
    if limits.scenes_max is not None and len(items) > limits.scenes_max:
        fields.wrong("scenes", f"must have at most {limits.scenes_max} scenes")
    before = len(problems)
    scenes = tuple(_scene(item, problems, ("scenes", place), limits) for place, item in enumerate(items))
    total_s = sum(scene.duration for scene in scenes)
    if len(problems) == before and not limits.duration_s_min <= total_s <= limits.duration_s_max:
        fields.wrong("scenes", f"must last {limits.duration_s_min}-{limits.duration_s_max} seconds in all")
    return scenes


def _scene(item: Any, problems: list[Problem], where: Where, limits: Limits) -> Scene:
    fields = Fields(item, problems, where)
    if not fields.is_object:
        return Scene("", 0)
    prompt = fields.text("prompt", limits.prompt_characters_max)
    duration = fields.integer("duration_secs", limits.scene_s_min, limits.duration_s_max, required=True)
    fields.end()
    return Scene(prompt, duration or 0)


def _camera(fields: Fields, problems: list[Problem]) -> tuple[tuple[str, str], ...]:
    if "camera" not in fields:
        return ()
    camera = Fields(fields.raw("camera"), problems, ("camera",))
    if not camera.is_object:
        return ()
    if not any(name in camera for name in CAMERA):
        camera.wrong("", f"must have at least one of {', '.join(CAMERA)}")
    moves = ((name, camera.one_of(name, allowed)) for name, allowed in CAMERA.items())
    told = tuple((name, move) for name, move in moves if move is not None)
    camera.end()
    return told
