"""What one model can do and how much it takes."""

from dataclasses import dataclass

from bot.domain.requests import PROMPT_MAX_CHARS, Kind, MediaKind

MEBIBYTE = 1024 * 1024
SEED_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Barred:
    """A shape and a resolution that a model never makes together; only in that rendering where one is named."""

    aspect_ratio: str
    resolution: str
    rendering: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One model's abilities. Sizes in bytes, durations in whole seconds; tuples are in the order shown to people.

    `resolutions` is empty where the provider lets nobody choose; then `default_resolution` is what comes out. The first
    of `renderings` and `formats` is the default. Pictures last 0 seconds.
    """

    provider: str
    name: str
    resolutions: tuple[str, ...]
    aspect_ratios: tuple[str, ...]
    min_duration_s: int
    max_duration_s: int
    kind: Kind = Kind.VIDEO
    default_resolution: str = "720p"
    default_aspect_ratio: str = "16:9"
    default_duration_s: int = 5
    has_audio: bool = True
    default_audio: bool = False
    has_seed: bool = True
    min_seed: int = 0
    max_seed: int = SEED_MAX
    has_watermark: bool = True
    has_sample: bool = False
    has_start_image: bool = True
    has_end_image: bool = False
    has_previous_clip: bool = False
    has_fixed_lens: bool = False
    has_style: bool = False
    has_scenes: bool = False
    takes_links: bool = False
    renderings: tuple[str, ...] = ()
    no_seed_renderings: frozenset[str] = frozenset()
    cameras: tuple[str, ...] = ()
    motions: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    barred: tuple[Barred, ...] = ()
    bars_asset_labels: bool = False
    max_count: int = 1
    max_prompt_chars: int = PROMPT_MAX_CHARS
    max_references: int = 5
    reference_types: tuple[str, ...] = ()
    max_image_bytes: int = 20 * MEBIBYTE
    max_video_bytes: int = 50 * MEBIBYTE
    max_audio_bytes: int = 15 * MEBIBYTE
    max_reference_duration_s: float = 60.0
    min_image_side_px: int = 64
    max_image_side_px: int = 12_000

    @property
    def key(self) -> str:
        """The name shown to people: `provider/model`."""
        return f"{self.provider}/{self.name}"

    @property
    def made_resolutions(self) -> tuple[str, ...]:
        """What comes out of it, whether or not it can be chosen."""
        return self.resolutions or (self.default_resolution,)

    @property
    def default_rendering(self) -> str | None:
        """The rendering where none is chosen, None for models without."""
        return self.renderings[0] if self.renderings else None

    @property
    def default_format(self) -> str | None:
        """The file format where none is chosen, None where it cannot be chosen."""
        return self.formats[0] if self.formats else None

    def takes_seed(self, rendering: str | None) -> bool:
        """Whether a seed may be sent at all, of whatever value."""
        return self.has_seed and rendering not in self.no_seed_renderings

    def combines(self, aspect_ratio: str, resolution: str, rendering: str | None) -> bool:
        """Whether a shape and a resolution, each of which it makes, go together in that rendering."""
        return not any(
            (bar.aspect_ratio, bar.resolution) == (aspect_ratio, resolution) and bar.rendering in {None, rendering}
            for bar in self.barred
        )

    def max_bytes(self, kind: MediaKind) -> int:
        """Return the largest reference of a kind, in bytes."""
        return {
            MediaKind.IMAGE: self.max_image_bytes,
            MediaKind.VIDEO: self.max_video_bytes,
            MediaKind.AUDIO: self.max_audio_bytes,
        }[kind]
