"""Making seedance2ai's create requests: every option explicit, references where each mode takes them.

Sources: the parameter tables of its API page (current and older) and its Seedance prompt guide. The older page alone
has `/video/seedance` and the pictures.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import InvariantBroken, ProviderRejected
from bot.domain.requests import MediaKind, ReferenceRole, Spec
from bot.ports import UploadedReference

DEFAULT_CHANNEL = "standard"
DEFAULT_FORMAT = "png"
UNSEEDED_CHANNEL = "real"  # "Not supported on the real channel or mini tier."
UNSEEDED_TIER = "mini"
#: A member who writes of a "source video" wants it edited: the prompt guide's word for such a reference.
SOURCE_VIDEO = "source video"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked for. `tier` is None for pictures."""

    path: str
    tier: str | None = None
    prompt_max_chars: int = 10_000


ENDPOINTS: Mapping[str, Endpoint] = {
    "seedance2-mini": Endpoint("/video/seedance2", "mini"),
    "seedance2-standard": Endpoint("/video/seedance2", "standard"),
    "seedance2-pro": Endpoint("/video/seedance2", "pro"),
    "seedance-standard": Endpoint("/video/seedance", "standard"),
    "seedance-pro": Endpoint("/video/seedance", "pro"),
    "gpt-image-2": Endpoint("/image/gpt-image-2", prompt_max_chars=20_000),
    "nano-banana-pro": Endpoint("/image/nano-banana-pro"),
}
PATHS = frozenset(endpoint.path for endpoint in ENDPOINTS.values())

_PLACES = (
    ReferenceRole.START_IMAGE,
    ReferenceRole.END_IMAGE,
    ReferenceRole.PREVIOUS_CLIP,
    ReferenceRole.REFERENCE,
)


def make_create(spec: Spec, uploads: Sequence[UploadedReference]) -> tuple[str, dict[str, Any]]:
    """Return a create's path, below the API's root, and the fields of its body.

    Raises:
        ProviderRejected: `prompt_too_long`, with the words that name its references.
        InvariantBroken: the model is none of this provider.
    """
    endpoint = ENDPOINTS.get(spec.model_name)
    if endpoint is None:
        raise InvariantBroken(f"seedance2ai has no model {spec.model_name}")
    ordered = sorted(uploads, key=lambda upload: _PLACES.index(ReferenceRole(upload.role)))
    if endpoint.tier is not None:
        fields = _video(spec, endpoint.tier, ordered)
    elif spec.model_name == "gpt-image-2":
        fields = _gpt_image(spec, ordered)
    else:
        fields = _nano_banana(spec, ordered)
    if len(fields["prompt"]) > endpoint.prompt_max_chars:
        raise ProviderRejected("prompt_too_long")
    return endpoint.path, fields


def _video(spec: Spec, tier: str, uploads: Sequence[UploadedReference]) -> dict[str, Any]:
    channel = spec.rendering or DEFAULT_CHANNEL
    fields: dict[str, Any] = {
        "quality_tier": tier,
        "channel": channel,
        "prompt": spec.prompt,
        "aspect_ratio": spec.aspect_ratio,
        "duration": str(spec.duration_s),
        "resolution": spec.resolution,
        "generate_audio": spec.audio,
        "fixed_lens": spec.fixed_lens,
    }
    if channel != UNSEEDED_CHANNEL and tier != UNSEEDED_TIER:
        fields["seed"] = spec.seed
    return fields | _references(spec.prompt, uploads)


def _references(prompt: str, uploads: Sequence[UploadedReference]) -> dict[str, Any]:
    """Choose the mode that takes these references. A mode takes no field that belongs to another one."""
    roles = [ReferenceRole(upload.role) for upload in uploads]
    if not roles:
        return {"mode": "text-to-video"}
    if roles == [ReferenceRole.START_IMAGE]:
        return {"mode": "image-to-video", "image_url": uploads[0].address}
    if roles == [ReferenceRole.START_IMAGE, ReferenceRole.END_IMAGE]:
        return {"mode": "image-to-video", "image_url": uploads[0].address, "end_image_url": uploads[1].address}
    return {
        "mode": "media-to-video",
        "media_urls": [upload.address for upload in uploads],
        "prompt": f"{prompt}\n\n{_name_roles(prompt, uploads)}",
    }


def _name_roles(prompt: str, uploads: Iterable[UploadedReference]) -> str:
    """Say in words what each of `media_urls` is for, as the prompt guide asks."""
    sentences: list[str] = []
    supplied: Counter[MediaKind] = Counter()
    references: Counter[MediaKind] = Counter()
    for upload in uploads:
        role = ReferenceRole(upload.role)
        supplied[upload.kind] += 1
        references[upload.kind] += role is ReferenceRole.REFERENCE
        words = _role_in_words(role, upload.kind, references[upload.kind], is_edit=SOURCE_VIDEO in prompt.casefold())
        sentences.append(f"Supplied {upload.kind.value} {supplied[upload.kind]} is {words}.")
    return " ".join(sentences)


def _role_in_words(role: ReferenceRole, kind: MediaKind, number: int, *, is_edit: bool) -> str:
    match role:
        case ReferenceRole.START_IMAGE:
            return "the first frame"
        case ReferenceRole.END_IMAGE:
            return "the last frame"
        case ReferenceRole.PREVIOUS_CLIP:
            return "the previous clip: continue from the supplied previous clip"
    if kind is MediaKind.IMAGE:
        return f"reference picture {number}"
    return f"{SOURCE_VIDEO} {number}" if is_edit else f"motion reference {number}"


def _gpt_image(spec: Spec, uploads: Sequence[UploadedReference]) -> dict[str, Any]:
    return {
        "type": _picture_type(uploads),
        "channel": spec.rendering or DEFAULT_CHANNEL,
        "prompt": spec.prompt,
        "resolution": spec.resolution,
        "aspectRatio": spec.aspect_ratio,
        "batchCount": spec.count,
        **_pictures("imageUrls", uploads),
    }


def _nano_banana(spec: Spec, uploads: Sequence[UploadedReference]) -> dict[str, Any]:
    return {
        "type": _picture_type(uploads),
        "prompt": spec.prompt,
        "image_size": spec.aspect_ratio,
        "output_format": spec.format or DEFAULT_FORMAT,
        "resolution": spec.resolution,
        **_pictures("image_urls", uploads),
    }


def _picture_type(uploads: Sequence[UploadedReference]) -> str:
    return "image-to-image" if uploads else "text-to-image"


def _pictures(field: str, uploads: Sequence[UploadedReference]) -> dict[str, list[str]]:
    """Name the references where there are any; without them the field is left out."""
    return {field: [upload.address for upload in uploads]} if uploads else {}
