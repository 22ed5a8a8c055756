"""The models of P2 `seedance2ai`, by its documentation: one for each video endpoint and quality tier, two of pictures.

The documents do not say which files it takes as references, nor how large: pictures and videos that everything plays,
within what Discord carries. It has no parameter for watermarks. Its first model is the tier that it takes by default.
"""

from dataclasses import replace

from bot.domain.catalog_model import Barred, Model
from bot.domain.requests import Kind

PROVIDER = "seedance2ai"
PICTURE_TYPES = ("image/png", "image/jpeg", "image/webp")
VIDEO_TYPES = ("video/mp4", "video/quicktime", "video/webm")
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")
SEED_MAX = 4_294_967_295
PROMPT_CHARS = 10_000

STANDARD = Model(
    provider=PROVIDER,
    name="seedance2-standard",
    resolutions=("720p", "1080p"),
    aspect_ratios=(*RATIOS, "adaptive"),
    min_duration_s=4,
    max_duration_s=15,
    default_audio=True,
    max_seed=SEED_MAX,
    has_watermark=False,
    has_end_image=True,
    has_previous_clip=True,
    has_fixed_lens=True,
    takes_links=True,
    renderings=("standard", "real", "wild"),
    no_seed_renderings=frozenset({"real"}),
    bars_asset_labels=True,
    max_prompt_chars=PROMPT_CHARS,
    max_references=12,
    reference_types=(*PICTURE_TYPES, *VIDEO_TYPES),
)
#: Parameter `seed`: "Not supported on the real channel or mini tier".
MINI = replace(STANDARD, name="seedance2-mini", has_seed=False)
#: Parameter `resolution`: "1080p-plus and 4k are available on pro only".
PRO = replace(STANDARD, name="seedance2-pro", resolutions=("720p", "1080p", "1080p-plus", "4k"))
#: The older endpoint has no `adaptive`; its document has no prompt guide, so nothing about continuing a clip.
OLDER = replace(STANDARD, name="seedance-standard", aspect_ratios=RATIOS, has_previous_clip=False)
OLDER_PRO = replace(OLDER, name="seedance-pro")

NANO_BANANA = Model(
    provider=PROVIDER,
    name="nano-banana-pro",
    kind=Kind.IMAGE,
    resolutions=("1K", "2K", "4K"),
    aspect_ratios=("auto", "1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9"),
    min_duration_s=0,
    max_duration_s=0,
    default_duration_s=0,
    default_resolution="1K",
    default_aspect_ratio="auto",
    has_audio=False,
    has_seed=False,
    has_watermark=False,
    has_start_image=False,
    takes_links=True,
    formats=("png", "jpeg"),
    bars_asset_labels=True,
    max_prompt_chars=PROMPT_CHARS,
    max_references=8,
    reference_types=PICTURE_TYPES,
)
#: Parameter `resolution`: "auto only supports 1K; 1:1 cannot use 4K on the standard channel". It requires a shape and
#: names no default: `auto`, as with the other one, and where that does not go, the next one in the document's order.
GPT_IMAGE = replace(
    NANO_BANANA,
    name="gpt-image-2",
    aspect_ratios=(
        *("auto", "1:1", "5:4", "9:16", "21:9", "16:9", "4:3", "3:2", "4:5", "3:4", "2:3", "2:1", "1:2", "3:1", "1:3"),
        "9:21",
    ),
    renderings=("standard", "economy"),
    formats=(),
    barred=(Barred("auto", "2K"), Barred("auto", "4K"), Barred("1:1", "4K", rendering="standard")),
    max_count=4,
    max_prompt_chars=20_000,
    max_references=10,
)

MODELS = (STANDARD, MINI, PRO, OLDER, OLDER_PRO, GPT_IMAGE, NANO_BANANA)
