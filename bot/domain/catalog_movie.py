"""The models of P1 `seedance2-movie`, by its documentation (Submit Video Generation Task)."""

from bot.domain.catalog_model import Model

PROVIDER = "seedance2-movie"
#: Content types that its upload takes (Allowed Content Types). Audio can be named in a task but not uploaded.
TYPES = ("image/png", "image/jpeg", "image/webp", "video/mp4", "video/quicktime", "video/webm")
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")


def _model(name: str) -> Model:
    return Model(
        provider=PROVIDER,
        name=name,
        resolutions=("480p", "720p", "1080p"),
        aspect_ratios=RATIOS,
        min_duration_s=4,
        max_duration_s=15,
        has_sample=True,
        reference_types=TYPES,
    )


MODELS = (_model("seedance-2.0"), _model("seedance-2.0-fast"))
