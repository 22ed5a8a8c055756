"""Models on offer: what each can do, its limits and its prices. Requests are decided and quoted here.

P1's figures are those of its documentation (Submit Video Generation Task, Pricing).
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.errors import Cheaper, Refused
from bot.domain.money import Credits
from bot.domain.requests import (
    PROMPT_MAX_CHARS,
    PROMPT_MIN_CHARS,
    Attachment,
    GenerationRequest,
    Kind,
    MediaKind,
    ReferenceRole,
    Spec,
)

MEBIBYTE = 1024 * 1024
SEED_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Model:
    """One model's abilities. Sizes in bytes, durations in whole seconds; tuples are in the order shown to people."""

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
    renderings: tuple[str, ...] = ()
    no_seed_renderings: frozenset[str] = frozenset()
    cameras: tuple[str, ...] = ()
    motions: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
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

    def takes_seed(self, rendering: str | None) -> bool:
        """Whether a seed may be sent at all, of whatever value."""
        return self.has_seed and rendering not in self.no_seed_renderings

    def max_bytes(self, kind: MediaKind) -> int:
        """Return the largest reference of a kind, in bytes."""
        return {
            MediaKind.IMAGE: self.max_image_bytes,
            MediaKind.VIDEO: self.max_video_bytes,
            MediaKind.AUDIO: self.max_audio_bytes,
        }[kind]


#: Content types that P1's upload takes (Allowed Content Types). Audio can be named in a task but not uploaded.
P1_TYPES = ("image/png", "image/jpeg", "image/webp", "video/mp4", "video/quicktime", "video/webm")
P1_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")


def _p1(name: str) -> Model:
    return Model(
        provider="seedance2-movie",
        name=name,
        resolutions=("480p", "720p", "1080p"),
        aspect_ratios=P1_RATIOS,
        min_duration_s=4,
        max_duration_s=15,
        has_sample=True,
        reference_types=P1_TYPES,
    )


MODELS: tuple[Model, ...] = (_p1("seedance-2.0"), _p1("seedance-2.0-fast"))


@dataclass(frozen=True, slots=True)
class Price:
    """One row of the price table, in the provider's own credits per second of clip."""

    model: str
    resolution: str
    per_second: Decimal


PRICES: tuple[Price, ...] = tuple(
    Price(f"seedance2-movie/{name}", resolution, Decimal(amount))
    for name, resolution, amount in (
        ("seedance-2.0", "1080p", "4.5"),
        ("seedance-2.0", "720p", "1.8"),
        ("seedance-2.0", "480p", "0.9"),
        ("seedance-2.0-fast", "1080p", "3.312"),
        ("seedance-2.0-fast", "720p", "1.44"),
        ("seedance-2.0-fast", "480p", "0.72"),
    )
)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The models that this installation offers, with prices and credit rates (bot credits per provider credit)."""

    models: Mapping[str, Model]
    prices: Mapping[tuple[str, str], Price]
    rates: Mapping[str, Decimal]
    default_model: str

    @classmethod
    def build(
        cls,
        *,
        providers: Iterable[str],
        rates: Mapping[str, Decimal],
        prices: Iterable[Price] = PRICES,
        default_model: str | None = None,
        models: Iterable[Model] = MODELS,
    ) -> "Catalog":
        """Offer the models of `providers`, in their order, that have a price row. An unknown default is refused.

        Raises:
            ValueError: no model is left, or `default_model` is not among them.
        """
        table = {(price.model, price.resolution): price for price in prices}
        names = list(providers)
        offered = {
            model.key: model
            for provider in names
            for model in models
            if model.provider == provider and any((model.key, r) in table for r in model.resolutions)
        }
        chosen = default_model or next(iter(offered), "")
        if chosen not in offered:
            raise ValueError(f"unknown model {chosen!r}; one of: {', '.join(offered)}")
        return cls(offered, table, dict(rates), chosen)

    def model(self, key: str | None) -> Model:
        """Return the model of that key, the default for None.

        Raises:
            Refused: `unknown_model`.
        """
        model = self.models.get(key or self.default_model)
        if model is None:
            raise Refused("unknown_model", model=key, models=", ".join(self.models))
        return model

    def decide(self, request: GenerationRequest) -> Spec:
        """Check a request against its model and decide every option. References are added once they are stored.

        Raises:
            Refused: what is wrong and what would work; the first problem found, cheapest check first.
        """
        prompt = request.prompt.strip()
        if not PROMPT_MIN_CHARS <= len(prompt) <= PROMPT_MAX_CHARS:
            raise Refused("prompt_length", length=len(prompt), least=PROMPT_MIN_CHARS, most=PROMPT_MAX_CHARS)
        model = self.model(request.model)
        resolution = request.resolution or self._default_resolution(model)
        spec = Spec(
            kind=request.kind,
            model=model.key,
            prompt=prompt,
            duration_s=model.default_duration_s if request.duration_s is None else request.duration_s,
            resolution=resolution,
            aspect_ratio=request.aspect_ratio or model.default_aspect_ratio,
            audio=bool(request.audio),
            watermark=bool(request.watermark),
            seed=secrets.randbelow(SEED_MAX) if request.seed in (None, -1) else request.seed,
            is_seed_chosen=request.seed not in (None, -1),
            sample=request.sample,
            rendering=request.rendering,
        )
        self._check_numbers(model, spec)
        self._check_abilities(model, request)
        self._check_attachments(model, request.attachments)
        return spec

    def quote(self, spec: Spec) -> Credits:
        """Return the price of a decided request, rounded up to 0.01 credit.

        Raises:
            Refused: `no_price`, no row of the price table covers it.
        """
        return self._cost(spec.model, spec.resolution, spec.duration_s)

    def convert(self, provider: str, amount: Decimal) -> Credits:
        """Convert a provider's credits to ours."""
        return Credits.from_provider(amount, self.rates[provider])

    def cheaper(
        self, spec: Spec, available: Credits, *, allowed: Callable[[str, int, str], bool] = lambda *_variant: True
    ) -> Cheaper | None:
        """Find the cheapest variant of a request that fits `available`: same duration first, else the shortest.

        Models that lack what the request needs are left out, and what `allowed` (model, seconds, resolution) is
        against. None where nothing fits.
        """
        variants = [
            Cheaper(model.key, resolution, seconds, self._cost(model.key, resolution, seconds))
            for model in self.models.values()
            if self._could_serve(model, spec)
            for resolution in model.resolutions
            if (model.key, resolution) in self.prices
            for seconds in {min(max(spec.duration_s, model.min_duration_s), model.max_duration_s), model.min_duration_s}
            if allowed(model.key, seconds, resolution)
        ]
        fitting = [v for v in variants if v.cost <= available]
        return min(fitting, default=None, key=lambda v: (v.duration_s != spec.duration_s, v.cost, v.model))

    def models_with(self, ability: str) -> list[str]:
        """List the offered models whose field `ability` is true, for refusals."""
        return [key for key, model in self.models.items() if getattr(model, ability)]

    def _default_resolution(self, model: Model) -> str:
        if (model.key, model.default_resolution) in self.prices:
            return model.default_resolution
        return next(r for r in model.resolutions if (model.key, r) in self.prices)

    def _cost(self, model: str, resolution: str, duration_s: int) -> Credits:
        price = self.prices.get((model, resolution))
        if price is None:
            raise Refused("no_price", model=model, resolution=resolution)
        return self.convert(model.partition("/")[0], price.per_second * duration_s)

    def _could_serve(self, model: Model, spec: Spec) -> bool:
        start = any(r.role is ReferenceRole.START_IMAGE for r in spec.references)
        return (
            model.kind is spec.kind
            and (model.has_start_image or not start)
            and all(r.content_type in model.reference_types for r in spec.references)
            and len(spec.references) <= model.max_references
            and (model.has_audio or not spec.audio)
            and (model.has_sample or not spec.sample)
            and (spec.rendering is None or spec.rendering in model.renderings)
            and spec.aspect_ratio in model.aspect_ratios
        )

    def _check_numbers(self, model: Model, spec: Spec) -> None:
        if not model.min_duration_s <= spec.duration_s <= model.max_duration_s:
            raise Refused(
                "duration_range",
                duration=spec.duration_s,
                least=model.min_duration_s,
                most=model.max_duration_s,
                model=model.key,
            )
        if spec.resolution not in model.resolutions:
            others = [key for key, m in self.models.items() if spec.resolution in m.resolutions]
            raise Refused(
                "resolution",
                resolution=spec.resolution,
                model=model.key,
                offered=", ".join(model.resolutions),
                others=", ".join(others),
            )
        if (model.key, spec.resolution) not in self.prices:
            raise Refused("no_price", model=model.key, resolution=spec.resolution)
        if spec.aspect_ratio not in model.aspect_ratios:
            raise Refused(
                "aspect_ratio", ratio=spec.aspect_ratio, model=model.key, offered=", ".join(model.aspect_ratios)
            )
        if not model.min_seed <= spec.seed <= SEED_MAX:
            raise Refused("seed_range", least=model.min_seed, most=SEED_MAX)

    def _check_abilities(self, model: Model, request: GenerationRequest) -> None:
        wanted = {
            "audio": ("has_audio", bool(request.audio)),
            "watermark": ("has_watermark", bool(request.watermark)),
            "sample": ("has_sample", request.sample is not None),
            "seed": ("has_seed", request.seed is not None),
            "start_image": (
                "has_start_image",
                any(a.role is ReferenceRole.START_IMAGE for a in request.attachments),
            ),
        }
        for option, (ability, is_wanted) in wanted.items():
            if is_wanted and not getattr(model, ability):
                others = ", ".join(self.models_with(ability))
                raise Refused("not_supported", option=option, model=model.key, others=others)
        if request.rendering is not None and request.rendering not in model.renderings:
            others = ", ".join(key for key, one in self.models.items() if request.rendering in one.renderings)
            raise Refused("not_supported", option="rendering", model=model.key, others=others)

    def _check_attachments(self, model: Model, attachments: tuple[Attachment, ...]) -> None:
        if len(attachments) > model.max_references:
            raise Refused("too_many_references", count=len(attachments), most=model.max_references, model=model.key)
        largest = max((model.max_bytes(kind) for kind in MediaKind), default=0)
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
