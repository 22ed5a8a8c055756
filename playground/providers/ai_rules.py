"""The rules of the seedance2ai documents: models, codes, enumerations, and the check of a submitted body.

Where the documents are silent, the emulator takes the strictest reading:
- A field that the endpoint does not list is "unsupported" and refused; so is a reference in a mode that does not name
  it. Text takes none, image-to-video a start and an end frame, media-to-video only media_urls.
- null is no value of any parameter: a parameter is sent with its type or not at all.
- "Not supported" refuses a seed whatever its value, -1 included.
- What the prompt guide forbids (asset:// addresses, asset ids, labels such as @图片1) is refused.
- `adaptive` is listed without a condition, so every mode takes it.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from playground.providers.ai_fields import Fields, invalid

HTTP_STATUS = {
    "unauthorized": 401,
    "invalid_request": 400,
    "insufficient_credits": 402,
    "rate_limited": 429,
    "idempotency_conflict": 409,
    "service_busy": 503,
    "not_found": 404,
    "internal_error": 500,
}
MESSAGES = {
    "unauthorized": "Missing, invalid, or revoked API key.",
    "invalid_request": "Invalid request body",
    "insufficient_credits": "Not enough credits on the balance.",
    "rate_limited": "Too many requests",
    "idempotency_conflict": "Idempotency-Key was reused with a different body, or is still running.",
    "service_busy": "Temporary upstream issue. Retry.",
    "not_found": "Task does not exist",
    "internal_error": "Unexpected server-side failure.",
}
MODES = ("text-to-video", "image-to-video", "media-to-video")
CHANNELS = ("standard", "real", "wild")
DURATIONS = tuple(str(seconds) for seconds in range(4, 16))
RATIOS = ("1:1", "21:9", "4:3", "3:4", "16:9", "9:16")
PRO_RESOLUTIONS = ("1080p-plus", "4k")
SEEDS = (-1, 4294967295)
MEDIA_MOST = 12
PICTURE_TYPES = ("text-to-image", "image-to-image")
PICTURE_RESOLUTIONS = ("1K", "2K", "4K")
GPT_RATIOS = (
    *("auto", "1:1", "5:4", "9:16", "21:9", "16:9", "4:3", "3:2", "4:5", "3:4", "2:3", "2:1", "1:2", "3:1", "1:3"),
    "9:21",
)
NANO_RATIOS = ("1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto")
GPT_PROMPT_MOST, PROMPT_MOST = 20_000, 10_000
FORBIDDEN_IN_PROMPT = re.compile(
    r"asset://"
    r"|\basset-\d{8}"
    r"|(?<!\w)@\s?(?:图片|圖片|视频|視頻|音频|音頻|图|画像|動画|image|img|picture|video|audio)\s?\d",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class VideoModel:
    """What a video endpoint offers."""

    name: str
    tiers: tuple[str, ...]
    ratios: tuple[str, ...]
    resolutions: tuple[str, ...]


SEEDANCE2 = VideoModel(
    "seedance2", ("mini", "standard", "pro"), (*RATIOS, "adaptive"), ("720p", "1080p", *PRO_RESOLUTIONS)
)
SEEDANCE = VideoModel("seedance", ("standard", "pro"), RATIOS, ("720p", "1080p"))


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoOrder:
    """A submitted video body with the documents' defaults filled in."""

    model: str
    prompt: str
    mode: str
    quality_tier: str
    channel: str
    ratio: str
    duration: int  # seconds
    resolution: str
    image_url: str | None
    end_image_url: str | None
    media_urls: tuple[str, ...]
    generate_audio: bool
    fixed_lens: bool
    seed: int | None

    @property
    def picture_urls(self) -> tuple[str, ...]:
        """The references that must be pictures: start frame, end frame."""
        return tuple(url for url in (self.image_url, self.end_image_url) if url is not None)

    @property
    def takes_seed(self) -> bool:
        """Whether the documents allow a seed for this tier and channel."""
        return self.channel != "real" and self.quality_tier != "mini"

    @property
    def labels(self) -> dict[str, str]:
        """The fields that answers repeat."""
        return {"quality_tier": self.quality_tier, "channel": self.channel}


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOrder:
    """A submitted picture body with the documents' defaults filled in."""

    model: str
    prompt: str
    type: str
    ratio: str
    resolution: str
    count: int = 1
    output_format: str | None = None  # None: the model's own
    channel: str | None = None  # None: the model has no channels
    picture_urls: tuple[str, ...] = ()
    media_urls: tuple[str, ...] = field(default=(), init=False)
    duration: int = field(default=0, init=False)

    @property
    def labels(self) -> dict[str, str]:
        """The fields that answers repeat."""
        return {} if self.channel is None else {"channel": self.channel}


Order = VideoOrder | PictureOrder


def read_video(body: Any, model: VideoModel, *, allows_loopback: bool) -> VideoOrder:
    """Check the body of a video endpoint. Raises Refused with invalid_request for the first thing that is wrong."""
    fields = Fields(body, allows_loopback=allows_loopback)
    mode = fields.one_of("mode", MODES, "text-to-video")
    order = VideoOrder(
        model=model.name,
        prompt=_prompt(fields, PROMPT_MOST),
        mode=mode,
        quality_tier=fields.one_of("quality_tier", model.tiers, "standard"),
        channel=fields.one_of("channel", CHANNELS, "standard"),
        ratio=fields.one_of("aspect_ratio", model.ratios, "16:9"),
        duration=int(fields.one_of("duration", DURATIONS, "5")),
        resolution=fields.one_of("resolution", model.resolutions, "720p"),
        image_url=fields.address("image_url") if mode == "image-to-video" else None,
        end_image_url=fields.address("end_image_url", required=False) if mode == "image-to-video" else None,
        media_urls=fields.addresses("media_urls", MEDIA_MOST) if mode == "media-to-video" else (),
        generate_audio=fields.boolean("generate_audio", True),
        fixed_lens=fields.boolean("fixed_lens", False),
        seed=fields.integer("seed", *SEEDS),
    )
    fields.end()
    if order.resolution in PRO_RESOLUTIONS and order.quality_tier != "pro":
        raise invalid(f"resolution {order.resolution} is available on pro only")
    if order.seed is not None and not order.takes_seed:
        raise invalid("seed is not supported on the real channel or mini tier")
    return order


def read_gpt_image(body: Any, *, allows_loopback: bool) -> PictureOrder:
    """Check a body for gpt-image-2, whose field names are in camel case. Raises Refused."""
    fields = Fields(body, allows_loopback=allows_loopback)
    kind = fields.one_of("type", PICTURE_TYPES)
    order = PictureOrder(
        model="gpt-image-2",
        prompt=_prompt(fields, GPT_PROMPT_MOST),
        type=kind,
        channel=fields.one_of("channel", ("standard", "economy"), "standard"),
        resolution=fields.one_of("resolution", PICTURE_RESOLUTIONS),
        ratio=fields.one_of("aspectRatio", GPT_RATIOS),
        count=fields.integer("batchCount", 1, 4) or 1,
        picture_urls=fields.addresses("imageUrls", 10) if kind == "image-to-image" else (),
    )
    fields.end()
    if order.ratio == "auto" and order.resolution != "1K":
        raise invalid("aspectRatio auto only supports 1K")
    if (order.ratio, order.resolution, order.channel) == ("1:1", "4K", "standard"):
        raise invalid("aspectRatio 1:1 cannot use 4K on the standard channel")
    return order


def read_nano_banana(body: Any, *, allows_loopback: bool) -> PictureOrder:
    """Check a body for nano-banana-pro. Raises Refused."""
    fields = Fields(body, allows_loopback=allows_loopback)
    kind = fields.one_of("type", PICTURE_TYPES)
    order = PictureOrder(
        model="nano-banana-pro",
        prompt=_prompt(fields, PROMPT_MOST),
        type=kind,
        ratio=fields.one_of("image_size", NANO_RATIOS, "auto"),
        output_format=fields.one_of("output_format", ("png", "jpeg"), "png"),
        resolution=fields.one_of("resolution", PICTURE_RESOLUTIONS, "1K"),
        picture_urls=fields.addresses("image_urls", 8) if kind == "image-to-image" else (),
    )
    fields.end()
    return order


def _prompt(fields: Fields, most: int) -> str:
    prompt = fields.text("prompt", 3, most)
    if (found := FORBIDDEN_IN_PROMPT.search(prompt)) is not None:
        raise invalid(f"prompt must not name assets or in-app labels: {found[0]}")
    return prompt
