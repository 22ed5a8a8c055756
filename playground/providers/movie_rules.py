"""The rules of the seedance2-movie document: prices, codes, enumerations, and the check of a submitted body.

Where the document is silent, the emulator decides:
- The list of ratios is missing; the examples show 16:9 and 21:9. Accepted: these, 9:16, 1:1, 4:3, 3:4, not "adaptive".
- Unknown fields are ignored, but recorded on the task.
- null is no value of any parameter: a parameter is sent with its type or not at all.
- The fields of video_url, audio_url and sample_id items are named like their type, as in the examples for text and
  image_url.
- image_url takes an uploaded picture, video_url an uploaded video. Audio cannot be uploaded (the allow-list has none),
  so audio_url takes an http(s) address or an uploaded file.
- The codes that the HTTP mapping does not name come in HTTP 200, as "most responses" do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

PRICE_PER_S = {
    ("seedance-2.0", "1080p"): Decimal("4.5"),
    ("seedance-2.0", "720p"): Decimal("1.8"),
    ("seedance-2.0", "480p"): Decimal("0.9"),
    ("seedance-2.0-fast", "1080p"): Decimal("3.312"),
    ("seedance-2.0-fast", "720p"): Decimal("1.44"),
    ("seedance-2.0-fast", "480p"): Decimal("0.72"),
}
MODELS = ("seedance-2.0", "seedance-2.0-fast")
RESOLUTIONS = ("480p", "720p", "1080p")
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")
CONTENT_TYPES = ("text", "image_url", "video_url", "audio_url", "sample_id")
STATUSES = ("pending", "queued", "processing", "completed", "failed", "cancelled", "expired")
TERMINAL = frozenset({"completed", "failed", "cancelled", "expired"})
UPLOAD_TYPES = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "video/mp4": (".mp4",),
    "video/quicktime": (".mov",),
    "video/webm": (".webm",),
}
FILENAME_CHARACTERS = 128
CALLBACK_URL_CHARACTERS = 512
DURATION_S = range(4, 16)
MESSAGES = {
    "INVALID_API_KEY": "Invalid or disabled API key",
    "INVALID_PARAMETER": "Invalid parameter value or format",
    "MISSING_PARAMETER": "Required parameter is missing",
    "INSUFFICIENT_CREDIT": "Insufficient credit balance",
    "CREDIT_DEDUCT_FAILED": "Credit deduction failed — please retry",
    "TASK_NOT_FOUND": "Task not found or does not belong to your API key",
    "TASK_SUBMIT_FAILED": "Task submission failed — please retry",
    "TASK_CANCEL_NOT_ALLOWED": "Task cannot be cancelled in its current status",
    "CONCURRENCY_LIMIT_REACHED": "Max concurrent tasks reached — task is queued",
    "FILE_UPLOAD_FAILED": "Failed to generate upload URL",
    "VIDEO_DOWNLOAD_FAILED": "Video processing failed",
    "CONTENT_MODERATION_FAILED": "Content moderation failed — input or output contains sensitive content",
    "COPYRIGHT_VIOLATION": "Content may violate copyright restrictions",
    "PRIVACY_VIOLATION": "Input contains real person imagery which is not allowed",
    "SERVICE_BUSY": "Service is temporarily busy — please retry later",
    "RATE_LIMIT_EXCEEDED": "Rate limit exceeded — please slow down",
    "INTERNAL_ERROR": "Internal server error",
}
HTTP_STATUS = {
    "INVALID_API_KEY": 401,
    "INVALID_PARAMETER": 400,
    "MISSING_PARAMETER": 400,
    "CONTENT_MODERATION_FAILED": 400,
    "TASK_CANCEL_NOT_ALLOWED": 400,
    "INSUFFICIENT_CREDIT": 402,
    "TASK_NOT_FOUND": 404,
    "RATE_LIMIT_EXCEEDED": 429,
    "CONCURRENCY_LIMIT_REACHED": 429,
    "INTERNAL_ERROR": 500,
    "TASK_SUBMIT_FAILED": 500,
    "SERVICE_BUSY": 503,
}


class Refused(Exception):
    """A request that the provider turns down with one of its business codes."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message or MESSAGES.get(code, code)


@dataclass(frozen=True, slots=True)
class Order:
    """A submitted body with the defaults of the document filled in."""

    model: str
    content: tuple[Mapping[str, Any], ...]
    resolution: str
    ratio: str
    duration: int
    generate_audio: bool
    seed: int | None
    watermark: bool
    callback_url: str | None
    return_last_frame: bool
    unknown_fields: dict[str, Any] = field(default_factory=dict)

    @property
    def cost(self) -> Decimal:
        """Credits: price per second times duration, unrounded (the 26.50 of the document is 26.496)."""
        return PRICE_PER_S[self.model, self.resolution] * self.duration

    @property
    def prompt(self) -> str:
        """The text items, one per line."""
        return "\n".join(item["text"] for item in self.content if item["type"] == "text")


def read_order(body: Any, files: Mapping[str, str]) -> Order:
    """Check a submitted body. `files` maps the account's uploaded file paths to their MIME types.

    Raises:
        Refused: with INVALID_PARAMETER or MISSING_PARAMETER for the first thing that is wrong.
    """
    if not isinstance(body, dict):
        raise invalid("body must be a JSON object")
    content = _content(body, files)
    known = {name for name in Order.__dataclass_fields__ if name != "unknown_fields"}
    return Order(
        model=_one_of(body, "model", MODELS, "seedance-2.0"),
        content=content,
        resolution=_one_of(body, "resolution", RESOLUTIONS, "720p"),
        ratio=_one_of(body, "ratio", RATIOS, "16:9"),
        duration=_duration(body),
        generate_audio=_boolean(body, "generate_audio"),
        seed=_seed(body),
        watermark=_boolean(body, "watermark"),
        callback_url=_callback_url(body),
        return_last_frame=_boolean(body, "return_last_frame"),
        unknown_fields={name: value for name, value in body.items() if name not in known},
    )


def check_upload(filename: str | None, content_type: str | None) -> tuple[str, str]:
    """Check the two query parameters of presign. The name's ending must be one listed for the type. Raises Refused."""
    if not filename or not content_type:
        missing = "content_type" if filename else "filename"
        raise Refused("MISSING_PARAMETER", f"Missing parameter: {missing}")
    if len(filename) > FILENAME_CHARACTERS:
        raise invalid(f"filename must be at most {FILENAME_CHARACTERS} characters")
    if content_type not in UPLOAD_TYPES:
        raise invalid("content_type must be one of " + ", ".join(UPLOAD_TYPES))
    if not filename.lower().endswith(UPLOAD_TYPES[content_type]):
        raise invalid(f"filename must end in {' or '.join(UPLOAD_TYPES[content_type])}")
    return filename, content_type


def invalid(what: str) -> Refused:
    """INVALID_PARAMETER, worded as in the document's example."""
    return Refused("INVALID_PARAMETER", f"Invalid parameter: {what}")


def _one_of(body: dict[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or value not in allowed:
        raise invalid(f"{name} must be one of {', '.join(allowed)}")
    return value


def _boolean(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise invalid(f"{name} must be a boolean")
    return value


def _duration(body: dict[str, Any]) -> int:
    value = body.get("duration", 5)
    if type(value) is not int or value not in DURATION_S:
        raise invalid("duration must be 4-15")
    return value


def _seed(body: dict[str, Any]) -> int | None:
    if "seed" not in body:
        return None
    value = body["seed"]
    if type(value) is not int or value < -1:
        raise invalid("seed must be an integer of -1 or above")
    return value


def _callback_url(body: dict[str, Any]) -> str | None:
    if "callback_url" not in body:
        return None
    value = body["callback_url"]
    if not isinstance(value, str) or len(value) > CALLBACK_URL_CHARACTERS:
        raise invalid(f"callback_url must be a string of at most {CALLBACK_URL_CHARACTERS} characters")
    if not value.startswith(("http://", "https://")):
        raise invalid("callback_url must be an http or https address")
    return value


def _content(body: dict[str, Any], files: Mapping[str, str]) -> tuple[Mapping[str, Any], ...]:
    if "content" not in body:
        raise Refused("MISSING_PARAMETER", "Missing parameter: content")
    items = body["content"]
    if not isinstance(items, list) or not items:
        raise invalid("content must be an array of at least 1 item")
    for number, item in enumerate(items):
        _check_item(f"content[{number}]", item, files)
    return tuple(items)


def _check_item(where: str, item: Any, files: Mapping[str, str]) -> None:
    if not isinstance(item, dict):
        raise invalid(f"{where} must be an object")
    if "type" not in item:
        raise Refused("MISSING_PARAMETER", f"Missing parameter: {where}.type")
    kind = item["type"]
    if not isinstance(kind, str) or kind not in CONTENT_TYPES:
        raise invalid(f"{where}.type must be one of {', '.join(CONTENT_TYPES)}")
    if kind not in item:
        raise Refused("MISSING_PARAMETER", f"Missing parameter: {where}.{kind}")
    value = item[kind]
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"{where}.{kind} must be a string that is not empty")
    if kind in ("image_url", "video_url") and not files.get(value, "").startswith(kind.removesuffix("_url") + "/"):
        raise invalid(f"{where}.{kind} must be the file_path of an uploaded {kind.removesuffix('_url')}")
    if kind == "audio_url" and value not in files and not value.startswith(("http://", "https://")):
        raise invalid(f"{where}.audio_url must be an address or the file_path of an upload")
