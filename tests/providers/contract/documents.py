"""What the providers' documents name, copied from them by hand: they are not part of the project.

Values are words of the documents; bounds are written `4–15`, and a single bound as its number. An allowed value that a
document shows in an example only is there as well.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, with its default ("" for none) and all values that are documented.

    `type` is the document's own word; where it has no table, what its examples show. `is_required`: said to be so, not
    only in some modes.
    """

    name: str
    values: tuple[str, ...] = ()
    default: str = ""
    type: str = "string"
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that the documents of one provider name."""

    headers: frozenset[str]
    endpoints: frozenset[str]
    parameters: dict[str, tuple[Parameter, ...]]
    fields: frozenset[str]
    statuses: frozenset[str]
    errors: dict[str, int]  # code, and its HTTP status (200 where none is documented)
    http: frozenset[int]  # documented HTTP statuses
    prices: dict[tuple[str, str], str] = field(default_factory=dict)


BOOLEAN = ("true", "false")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MOVIE = Document(
    headers=frozenset({"X-API-Key", "Content-Type"}),
    endpoints=frozenset(
        {
            "POST /api/v1/video/upload/presign",
            "PUT <presigned_url>",
            "POST /api/v1/video/task",
            "GET /api/v1/video/task/{task_id}",
            "GET /api/v1/video/tasks",
            "POST /api/v1/video/task/{task_id}/cancel",
            "GET /api/v1/video/balance",
        }
    ),
    parameters={
        "POST /api/v1/video/upload/presign": (
            Parameter("filename", ("128",), is_required=True),
            Parameter(
                "content_type",
                ("image/png", "image/jpeg", "image/webp", "video/mp4", "video/quicktime", "video/webm"),
                is_required=True,
            ),
        ),
        "POST /api/v1/video/task": (
            Parameter("model", ("seedance-2.0", "seedance-2.0-fast"), "seedance-2.0"),
            Parameter("content", type="array", is_required=True),
            Parameter("content[].type", ("text", "image_url", "video_url", "audio_url", "sample_id"), is_required=True),
            Parameter("content[].text"),
            Parameter("content[].image_url"),
            Parameter("resolution", ("480p", "720p", "1080p"), "720p"),
            Parameter("ratio", ("16:9", "21:9"), "16:9"),
            Parameter("duration", ("4–15",), "5", "integer"),
            Parameter("generate_audio", BOOLEAN, "false", "boolean"),
            Parameter("seed", ("-1",), type="integer"),
            Parameter("watermark", BOOLEAN, "false", "boolean"),
            Parameter("callback_url", ("512",)),
            Parameter("return_last_frame", BOOLEAN, "false", "boolean"),
        ),
        "GET /api/v1/video/task/{task_id}": (Parameter("task_id", is_required=True),),
        "GET /api/v1/video/tasks": (
            Parameter("page", (), "1", "integer"),
            Parameter("page_size", ("1–100",), "20", "integer"),
            Parameter("status"),
        ),
        "POST /api/v1/video/task/{task_id}/cancel": (Parameter("task_id", is_required=True),),
    },
    fields=frozenset(
        _words(
            "code message result presigned_url file_path expires_in task_id status model resolution ratio duration "
            "generate_audio seed video_url last_frame_url error_code error_message credit_cost created_at updated_at "
            "data total page page_size total_credits used_credits remain_credits"
        )
    ),
    statuses=frozenset(_words("pending queued processing completed failed cancelled expired")),
    errors={
        "INVALID_API_KEY": 401,
        "INVALID_PARAMETER": 400,
        "MISSING_PARAMETER": 400,
        "INSUFFICIENT_CREDIT": 402,
        "CREDIT_DEDUCT_FAILED": 200,
        "TASK_NOT_FOUND": 404,
        "TASK_SUBMIT_FAILED": 500,
        "TASK_CANCEL_NOT_ALLOWED": 400,
        "CONCURRENCY_LIMIT_REACHED": 429,
        "FILE_UPLOAD_FAILED": 200,
        "VIDEO_DOWNLOAD_FAILED": 200,
        "CONTENT_MODERATION_FAILED": 400,
        "COPYRIGHT_VIOLATION": 200,
        "PRIVACY_VIOLATION": 200,
        "SERVICE_BUSY": 503,
        "RATE_LIMIT_EXCEEDED": 429,
        "INTERNAL_ERROR": 500,
    },
    http=frozenset({200, 400, 401, 402, 404, 429, 500, 503}),
    prices={
        ("seedance-2.0", "1080p"): "4.5",
        ("seedance-2.0", "720p"): "1.8",
        ("seedance-2.0", "480p"): "0.9",
        ("seedance-2.0-fast", "1080p"): "3.312",
        ("seedance-2.0-fast", "720p"): "1.44",
        ("seedance-2.0-fast", "480p"): "0.72",
    },
)

MODES = ("text-to-video", "image-to-video", "media-to-video")
SIX_RATIOS = ("1:1", "21:9", "4:3", "3:4", "16:9", "9:16")
PICTURE_TYPES = ("text-to-image", "image-to-image")


def _video(*, tiers: tuple[str, ...], ratios: tuple[str, ...], resolutions: tuple[str, ...]) -> tuple[Parameter, ...]:
    return (
        Parameter("mode", MODES, "text-to-video"),
        Parameter("quality_tier", tiers, "standard"),
        Parameter("channel", ("standard", "real", "wild"), "standard"),
        Parameter("prompt", ("3–10000",), is_required=True),
        Parameter("aspect_ratio", ratios, "16:9"),
        Parameter("duration", ("4–15",), "5"),
        Parameter("resolution", resolutions, "720p"),
        Parameter("image_url", type="string (URL)"),
        Parameter("end_image_url", type="string (URL)"),
        Parameter("media_urls", ("12",), type="string[] (URL)"),
        Parameter("generate_audio", BOOLEAN, "true", "boolean"),
        Parameter("fixed_lens", BOOLEAN, "false", "boolean"),
        Parameter("seed", ("-1", "4294967295"), type="integer"),
    )


AI = Document(
    headers=frozenset({"Authorization", "Content-Type", "Idempotency-Key", "Retry-After"}),
    endpoints=frozenset(
        {
            "POST /api/v1/video/seedance2",
            "POST /api/v1/video/seedance",
            "POST /api/v1/image/gpt-image-2",
            "POST /api/v1/image/nano-banana-pro",
            "GET /api/v1/tasks/{id}",
            "GET https://seedance2ai.io/downloads/seedance-skill.md",
            "git clone https://github.com/tkaptop/seedance-skill",
            'llms.txt ("the raw text endpoint")',
        }
    ),
    parameters={
        "POST /api/v1/video/seedance2": _video(
            tiers=("mini", "standard", "pro"),
            ratios=(*SIX_RATIOS, "adaptive"),
            resolutions=("720p", "1080p", "1080p-plus", "4k"),
        ),
        "POST /api/v1/video/seedance": _video(
            tiers=("standard", "pro"), ratios=SIX_RATIOS, resolutions=("720p", "1080p")
        ),
        "POST /api/v1/image/gpt-image-2": (
            Parameter("type", PICTURE_TYPES, is_required=True),
            Parameter("channel", ("standard", "economy"), "standard"),
            Parameter("prompt", ("3–20000",), is_required=True),
            Parameter("resolution", ("1K", "2K", "4K"), is_required=True),
            Parameter(
                "aspectRatio",
                _words("auto 1:1 5:4 9:16 21:9 16:9 4:3 3:2 4:5 3:4 2:3 2:1 1:2 3:1 1:3 9:21"),
                is_required=True,
            ),
            Parameter("batchCount", ("1–4",), "1", "integer"),
            Parameter("imageUrls", ("1–10",), type="string[] (URL)"),
        ),
        "POST /api/v1/image/nano-banana-pro": (
            Parameter("type", PICTURE_TYPES, is_required=True),
            Parameter("prompt", ("3–10000",), is_required=True),
            Parameter("image_size", _words("1:1 9:16 16:9 3:4 4:3 3:2 2:3 5:4 4:5 21:9 auto"), "auto"),
            Parameter("output_format", ("png", "jpeg"), "png"),
            Parameter("resolution", ("1K", "2K", "4K"), "1K"),
            Parameter("image_urls", ("1–8",), type="string[] (URL)"),
        ),
        "GET /api/v1/tasks/{id}": (Parameter("id", is_required=True),),
    },
    fields=frozenset(
        _words(
            "id status model quality_tier channel credits_used credits_refunded output output.video_url "
            "output.last_frame_url output.seed error error.code error.message created_at updated_at"
        )
    ),
    statuses=frozenset({"processing", "completed", "failed"}),
    errors={
        "unauthorized": 401,
        "invalid_request": 400,
        "insufficient_credits": 402,
        "rate_limited": 429,
        "idempotency_conflict": 409,
        "service_busy": 503,
        "not_found": 404,
        "internal_error": 500,
    },
    http=frozenset({200, 202, 400, 401, 402, 404, 409, 429, 500, 503}),
)

TV = Document(
    headers=frozenset(
        {
            "Authorization",
            "Content-Type",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
            "Retry-After",
        }
    ),
    endpoints=frozenset(
        {
            "POST /videos",
            "GET /videos/{id}",
            "GET /styles",
            "GET /account/balance",
            'webhooks ("a URL you provide")',
        }
    ),
    parameters={
        "POST /videos": (
            Parameter("prompt", is_required=True),
            Parameter("aspect_ratio", ("16:9", "1:1", "9:16"), "16:9"),
            Parameter("duration_secs", type="integer"),
            Parameter("scenes", type="array"),
            Parameter("scenes[].prompt"),
            Parameter("scenes[].duration_secs", type="integer"),
            Parameter("style", ("photorealistic", "photorealism", "anime", "cyberpunk", "cinematic")),
            Parameter("seed", type="integer"),
            Parameter("camera", type="object"),
            Parameter("camera.zoom", ("in",)),
            Parameter("camera.pan", ("left",)),
            Parameter("camera.tilt"),
            Parameter("motion_level", ("low", "high")),
        ),
        "GET /videos/{id}": (Parameter("id", is_required=True),),
    },
    fields=frozenset({"id", "status", "created_at", "url", "error"}),
    statuses=frozenset({"processing", "succeeded", "failed"}),
    # The document's codes are HTTP statuses; these are the bot's names for them.
    errors={
        "tv_unauthorized": 401,
        "tv_not_found": 404,
        "tv_invalid": 422,
        "tv_too_many_requests": 429,
        "tv_internal_error": 500,
    },
    http=frozenset({401, 404, 422, 429, 500}),
)

DOCUMENTS = {"seedance2-movie": MOVIE, "seedance2ai": AI, "seedance-tv": TV}
