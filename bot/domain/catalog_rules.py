"""What a model can do of what is asked: each rule refuses with what would work and which models can.

The rules between parameters are the providers' own; the models' tables carry them, with their source.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.catalog_model import MEBIBYTE, Model
from bot.domain.errors import Refused
from bot.domain.requests import Attachment, GenerationRequest, Kind, MediaKind, ReferenceRole, Spec

Models = Mapping[str, Model]

#: What the prompt guide of P2 forbids: "Do not send raw asset ids, asset:// URLs, or in-app-only labels such as
#: @图片1". Labels of other kinds and languages are like that one; an address such as me@image1.com is none.
ASSET_LABEL = re.compile(
    r"asset://\S*"
    r"|\basset[-_]\d{6,}[\w-]*"
    r"|[@＠]\s?(?:图片|圖片|视频|視頻|音频|音頻|图|圖|画像|動画|音声)\s?\d+"
    r"|(?<![a-z0-9_.])[@＠]\s?(?:image|img|picture|video|audio)\s?\d+",
    re.IGNORECASE,
)
#: Room that an adapter may need beside a compiled storyboard, to say what each reference is for.
ROLE_WORDS_CHARS = 1000
LABEL_CHARS = 60


@dataclass(frozen=True, slots=True)
class _Ability:
    """An option that only some models have: whether a request wants it, and whether a model has it."""

    option: str
    is_wanted: Callable[[GenerationRequest], bool]
    has: Callable[[Model], bool]


def _attached(role: ReferenceRole) -> Callable[[GenerationRequest], bool]:
    return lambda request: any(one.role is role for one in request.attachments)


ABILITIES = (
    _Ability("duration", lambda r: bool(r.duration_s), lambda m: m.max_duration_s > 0),
    _Ability("storyboard", lambda r: bool(r.shots), lambda m: m.kind is Kind.VIDEO),
    _Ability("audio", lambda r: bool(r.audio), lambda m: m.has_audio),
    _Ability("watermark", lambda r: bool(r.watermark), lambda m: m.has_watermark),
    _Ability("sample", lambda r: r.sample is not None, lambda m: m.has_sample),
    _Ability("seed", lambda r: r.seed is not None, lambda m: m.has_seed),
    _Ability("style", lambda r: r.style is not None, lambda m: m.has_style),
    _Ability("camera", lambda r: r.camera is not None, lambda m: bool(m.cameras)),
    _Ability("motion", lambda r: r.motion is not None, lambda m: bool(m.motions)),
    _Ability("fixed_lens", lambda r: bool(r.fixed_lens), lambda m: m.has_fixed_lens),
    _Ability("rendering", lambda r: r.rendering is not None, lambda m: bool(m.renderings)),
    _Ability("format", lambda r: r.format is not None, lambda m: bool(m.formats)),
    _Ability("count", lambda r: (r.count or 1) > 1, lambda m: m.max_count > 1),
    _Ability("start_image", _attached(ReferenceRole.START_IMAGE), lambda m: m.has_start_image),
    _Ability("end_image", _attached(ReferenceRole.END_IMAGE), lambda m: m.has_end_image),
    _Ability("previous_clip", _attached(ReferenceRole.PREVIOUS_CLIP), lambda m: m.has_previous_clip),
)

#: Options whose values differ from model to model.
_CHOICES: tuple[tuple[str, Callable[[GenerationRequest], str | None], Callable[[Model], tuple[str, ...]]], ...] = (
    ("rendering", lambda r: r.rendering, lambda m: m.renderings),
    ("camera", lambda r: r.camera, lambda m: m.cameras),
    ("motion", lambda r: r.motion, lambda m: m.motions),
    ("format", lambda r: r.format, lambda m: m.formats),
)


def check_request(request: GenerationRequest, model: Model, models: Models) -> None:
    """Refuse what a model cannot do whatever the other options are.

    Raises:
        Refused: `not_for_video`, `not_for_image`, `not_supported`, `option_value` or `count_range`.
    """

    def others(has: Callable[[Model], bool]) -> str:
        return ", ".join(key for key, one in models.items() if one.kind is request.kind and has(one))

    if model.kind is not request.kind:
        same = others(lambda _one: True)
        if request.kind is Kind.IMAGE:
            raise Refused("not_for_image", model=model.key, others=same)
        raise Refused("not_for_video", model=model.key, others=same)
    for ability in ABILITIES:
        if ability.is_wanted(request) and not ability.has(model):
            raise Refused("not_supported", option=ability.option, model=model.key, others=others(ability.has))
    for option, chosen, offered in _CHOICES:
        value = chosen(request)
        if value is not None and value not in offered(model):
            raise Refused(
                "option_value",
                option=option,
                value=value,
                model=model.key,
                offered=", ".join(offered(model)),
                others=others(lambda one, value=value, offered=offered: value in offered(one)),  # type: ignore[misc]
            )
    if request.count is not None and not 1 <= request.count <= model.max_count:
        raise Refused("count_range", count=request.count, least=1, most=model.max_count, model=model.key)


def check_numbers(request: GenerationRequest, spec: Spec, model: Model) -> None:
    """Refuse a length or seed out of bounds, and a seed where the rendering takes none.

    Raises:
        Refused: `duration_range`, `seed_rendering` or `seed_range`.
    """
    if not model.min_duration_s <= spec.duration_s <= model.max_duration_s:
        raise Refused(
            "duration_range",
            duration=spec.duration_s,
            least=model.min_duration_s,
            most=model.max_duration_s,
            model=model.key,
        )
    if request.seed is not None and not model.takes_seed(spec.rendering):
        offered = ", ".join(one for one in model.renderings if model.takes_seed(one))
        raise Refused("seed_rendering", rendering=spec.rendering, model=model.key, offered=offered)
    if not model.min_seed <= spec.seed <= model.max_seed:
        raise Refused("seed_range", least=model.min_seed, most=model.max_seed)


def check_shape(spec: Spec, model: Model, models: Models) -> None:
    """Refuse a resolution or aspect ratio that the model lacks, and those that do not go together.

    Raises:
        Refused: `resolution`, `aspect_ratio`, `combination` or `combination_rendering`.
    """
    resolution, ratio = spec.resolution, spec.aspect_ratio
    same_kind = [one for one in models.values() if one.kind is spec.kind]
    if resolution not in model.made_resolutions:
        raise Refused(
            "resolution",
            resolution=resolution,
            model=model.key,
            offered=", ".join(model.made_resolutions),
            others=", ".join(one.key for one in same_kind if resolution in one.made_resolutions),
        )
    if ratio not in model.aspect_ratios:
        raise Refused(
            "aspect_ratio",
            ratio=ratio,
            model=model.key,
            offered=", ".join(model.aspect_ratios),
            others=", ".join(one.key for one in same_kind if ratio in one.aspect_ratios),
        )
    if not model.combines(ratio, resolution, spec.rendering):
        raise _combination(spec, model, same_kind)


def _combination(spec: Spec, model: Model, same_kind: list[Model]) -> Refused:
    ratio, resolution, rendering = spec.aspect_ratio, spec.resolution, spec.rendering
    renderings = [one for one in model.renderings if model.combines(ratio, resolution, one)]
    told = {
        "model": model.key,
        "ratio": ratio,
        "resolution": resolution,
        "rendering": rendering or "",
        "renderings": ", ".join(renderings),
        "resolutions": ", ".join(one for one in model.made_resolutions if model.combines(ratio, one, rendering)),
        "ratios": ", ".join(one for one in model.aspect_ratios if model.combines(one, resolution, rendering)),
        "others": ", ".join(one.key for one in same_kind if one is not model and _makes(one, ratio, resolution)),
    }
    return Refused("combination_rendering", **told) if renderings else Refused("combination", **told)


def _makes(model: Model, ratio: str, resolution: str) -> bool:
    is_known = ratio in model.aspect_ratios and resolution in model.made_resolutions
    return is_known and model.combines(ratio, resolution, model.default_rendering)


def check_words(spec: Spec, model: Model, models: Models) -> None:
    """Refuse a storyboard that is too long in words, and labels that the model's provider forbids in prompts.

    Raises:
        Refused: `storyboard_prompt_length` or `asset_label`.
    """
    length, most = len(spec.prompt), _storyboard_chars(model)
    if spec.shots and not model.has_scenes and length > most:
        could = [one for one in models.values() if one.has_scenes or length <= _storyboard_chars(one)]
        others = ", ".join(one.key for one in could if one.kind is spec.kind)
        raise Refused("storyboard_prompt_length", length=length, most=most, model=model.key, others=others)
    found = ASSET_LABEL.search(spec.prompt) if model.bars_asset_labels else None
    if found is not None:
        raise Refused("asset_label", label=found[0][:LABEL_CHARS], model=model.key)


def _storyboard_chars(model: Model) -> int:
    return model.max_prompt_chars - ROLE_WORDS_CHARS


def check_attachments(attachments: tuple[Attachment, ...], model: Model, models: Models) -> None:
    """Refuse more files than a model takes, and files that no kind of reference may be as large as.

    Raises:
        Refused: `not_supported`, `too_many_references`, `file_empty` or `file_too_large`.
    """
    if attachments and not model.max_references:
        others = ", ".join(key for key, one in models.items() if one.kind is model.kind and one.max_references)
        raise Refused("not_supported", option=attachments[0].option, model=model.key, others=others)
    if len(attachments) > model.max_references:
        raise Refused("too_many_references", count=len(attachments), most=model.max_references, model=model.key)
    largest = max(_most_bytes(model, kind) for kind in MediaKind)
    for attachment in attachments:
        if attachment.size_bytes <= 0:
            raise Refused("file_empty", option=attachment.option)
        if attachment.size_bytes > largest:
            raise Refused(
                "file_too_large",
                option=attachment.option,
                size_mib=-(-attachment.size_bytes // MEBIBYTE),
                most_mib=largest // MEBIBYTE,
            )


def _most_bytes(model: Model, kind: MediaKind) -> int:
    """Return the largest file of a kind; 0 where the model is known not to take that kind."""
    is_taken = not model.reference_types or any(one.startswith(kind.value) for one in model.reference_types)
    return model.max_bytes(kind) if is_taken else 0
