"""What a member asks for, as values."""

from dataclasses import dataclass, field
from enum import StrEnum

PROMPT_MIN_CHARS = 3
PROMPT_MAX_CHARS = 6000


class Kind(StrEnum):
    """What is to be made."""

    VIDEO = "video"
    IMAGE = "image"


class ReferenceRole(StrEnum):
    """What a reference is for."""

    START_IMAGE = "start_image"
    END_IMAGE = "end_image"
    REFERENCE = "reference"
    PREVIOUS_CLIP = "previous_clip"


class MediaKind(StrEnum):
    """What a reference is, by its content."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a member attached, as Discord describes it; nothing of it is trusted but the address.

    `option` is the command's option that carried it (`start_image`, `reference_2`); refusals name it.
    """

    option: str
    role: ReferenceRole
    filename: str
    size_bytes: int
    url: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A stored and checked reference. `key` is its address in the media store; `duration_s` is None for pictures.

    `source_url` is where it came from, at Discord or at the provider that made it, for providers that fetch references
    themselves where there is no better link.
    """

    role: ReferenceRole
    kind: MediaKind
    content_type: str
    size_bytes: int
    sha256: str
    key: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    option: str = ""
    source_url: str | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot of a storyboard. `seconds` is None where it takes its share of the clip."""

    prompt: str
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One request as typed. None means: not chosen, the model's default applies.

    A storyboard has `shots`, whose prompts stand for `prompt`, which is not read then. `camera` is a move such as
    `zoom in`; `count` and `format` are of pictures.
    """

    prompt: str
    kind: Kind = Kind.VIDEO
    model: str | None = None
    duration_s: int | None = None
    resolution: str | None = None
    aspect_ratio: str | None = None
    audio: bool | None = None
    seed: int | None = None
    watermark: bool | None = None
    sample: str | None = None
    rendering: str | None = None
    private: bool = False
    attachments: tuple[Attachment, ...] = ()
    style: str | None = None
    camera: str | None = None
    motion: str | None = None
    fixed_lens: bool | None = None
    count: int | None = None
    format: str | None = None
    shots: tuple[Shot, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """A request with every option decided: what is sent, quoted and shown. `model` is `provider/model`.

    Pictures have no length (`duration_s` is 0), no sound, and come `count` at a time. The shots of a storyboard have
    their seconds, and `prompt` holds them all in order. `seed` is a number even where the model takes none.
    """

    kind: Kind
    model: str
    prompt: str
    duration_s: int
    resolution: str
    aspect_ratio: str
    audio: bool
    watermark: bool
    seed: int
    is_seed_chosen: bool
    sample: str | None = None
    rendering: str | None = None
    references: tuple[Reference, ...] = field(default=())
    style: str | None = None
    camera: str | None = None
    motion: str | None = None
    fixed_lens: bool = False
    count: int = 1
    format: str | None = None
    shots: tuple[Shot, ...] = ()

    @property
    def provider(self) -> str:
        """The provider's name, the part before the slash."""
        return self.model.partition("/")[0]

    @property
    def model_name(self) -> str:
        """The model's own name at its provider, the part after the slash."""
        return self.model.partition("/")[2]
