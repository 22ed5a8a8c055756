"""The model of P3 `seedance-tv`, by its documentation.

It leaves open: the bounds of a length and of a seed (those of the same model elsewhere), values of `motion_level`
between the two that are named, and whether a camera tilts otherwise than up and down.
"""

from bot.domain.catalog_model import Model

PROVIDER = "seedance-tv"
#: "Directing Camera Motion and Style": an object of zoom, pan and tilt; "in" and "left" are its examples.
CAMERAS = ("zoom in", "zoom out", "pan left", "pan right", "tilt up", "tilt down")

MODELS = (
    Model(
        provider=PROVIDER,
        name="seedance-2.0",
        resolutions=(),
        default_resolution="1080p",
        aspect_ratios=("16:9", "9:16", "1:1"),
        min_duration_s=4,
        max_duration_s=15,
        has_audio=False,
        has_watermark=False,
        has_start_image=False,
        has_style=True,
        has_scenes=True,
        cameras=CAMERAS,
        motions=("low", "high"),
        max_references=0,
    ),
)
