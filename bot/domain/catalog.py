"""The models on offer, with their prices: requests are decided and quoted here."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from bot.domain import catalog_ai, catalog_movie, catalog_tv
from bot.domain.catalog_model import MEBIBYTE, SEED_MAX, Model
from bot.domain.catalog_rules import check_attachments, check_numbers, check_request, check_shape, check_words
from bot.domain.catalog_variants import lengths, repeat
from bot.domain.errors import Cheaper, Refused
from bot.domain.money import Credits, Limit
from bot.domain.prices import PRICES, Price, PriceTable
from bot.domain.requests import PROMPT_MAX_CHARS, PROMPT_MIN_CHARS, GenerationRequest, Kind, Shot, Spec
from bot.domain.shots import compile_shots, list_shots, plan_shots

__all__ = ["MEBIBYTE", "MODELS", "PRICES", "SEED_MAX", "Catalog", "Model", "Price"]

#: Every model that there is an adapter for, a provider's default first.
MODELS: tuple[Model, ...] = (*catalog_movie.MODELS, *catalog_ai.MODELS, *catalog_tv.MODELS)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The models that this installation offers, with prices and credit rates (bot credits per provider credit)."""

    models: Mapping[str, Model]
    prices: PriceTable
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
        table, known = PriceTable(prices), list(models)
        offered = {
            model.key: model
            for provider in providers
            for model in known
            if model.provider == provider and any(table.has(model.key, r, model.kind) for r in model.made_resolutions)
        }
        chosen = default_model or next(iter(offered), "")
        if chosen not in offered:
            raise ValueError(f"unknown model {chosen!r}; one of: {', '.join(offered)}")
        return cls(offered, table, dict(rates), chosen)

    def models_of(self, kind: Kind) -> list[str]:
        """List the models that make clips, or pictures."""
        return [key for key, model in self.models.items() if model.kind is kind]

    def default_of(self, kind: Kind) -> str:
        """Return the model where none is chosen: the configured one if it is of that kind, else the first one.

        Raises:
            Refused: `no_model_video` or `no_model_image`.
        """
        if self.models[self.default_model].kind is kind:
            return self.default_model
        key = next(iter(self.models_of(kind)), None)
        if key is not None:
            return key
        raise Refused("no_model_image") if kind is Kind.IMAGE else Refused("no_model_video")

    def model(self, key: str | None, kind: Kind = Kind.VIDEO) -> Model:
        """Return the model of that key, for None the default of that kind.

        Raises:
            Refused: `unknown_model`, `no_model_video` or `no_model_image`.
        """
        model = self.models.get(key or self.default_of(kind))
        if model is None:
            raise Refused("unknown_model", model=key, models=", ".join(self.models_of(kind)))
        return model

    def decide(self, request: GenerationRequest) -> Spec:
        """Check a request against its model and decide every option. References are added once they are stored.

        Raises:
            Refused: what is wrong and what would work; the first problem found, cheapest check first.
        """
        length = len(request.prompt.strip())
        if not request.shots and not PROMPT_MIN_CHARS <= length <= PROMPT_MAX_CHARS:
            raise Refused("prompt_length", length=length, least=PROMPT_MIN_CHARS, most=PROMPT_MAX_CHARS)
        model = self.model(request.model, request.kind)
        check_request(request, model, self.models)
        spec = self._fill(request, model)
        check_numbers(request, spec, model)
        check_shape(spec, model, self.models)
        if self.prices.row(spec) is None:
            raise Refused("no_price", model=model.key, resolution=spec.resolution)
        check_attachments(request.attachments, model, self.models)
        check_words(spec, model, self.models)
        return spec

    def quote(self, spec: Spec) -> Credits:
        """Return the price of a decided request, rounded up to 0.01 credit.

        Raises:
            Refused: `no_price`, no row of the price table covers it.
        """
        row = self.prices.row(spec)
        if row is None:
            raise Refused("no_price", model=spec.model, resolution=spec.resolution)
        return self.convert(spec.provider, row.cost(spec))

    def convert(self, provider: str, amount: Decimal) -> Credits:
        """Convert a provider's credits to ours."""
        return Credits.from_provider(amount, self.rates[provider])

    def cheaper(
        self,
        spec: Spec,
        available: Limit,
        *,
        rooms: Mapping[str, Limit] = MappingProxyType({}),
        allowed: Callable[[str, int, str], bool] = lambda *_variant: True,
    ) -> Cheaper | None:
        """Find the cheapest variant of a request that fits `available`: same duration first, else the shortest.

        Models that lack what the request needs are left out, and what `allowed` (model, seconds, resolution) is
        against. `rooms` are what providers take beside `available`, where they are bounded. None where nothing fits.
        """
        asked = repeat(spec, self.models.get(spec.model))
        variants = [
            Cheaper(model.key, resolution, seconds, cost)
            for model in self.models.values()
            if all(r.content_type in model.reference_types for r in spec.references)
            for resolution in model.made_resolutions
            for seconds in lengths(spec, model)
            if allowed(model.key, seconds, resolution)
            and (cost := self._cost(replace(asked, model=model.key, resolution=resolution, duration_s=seconds), spec))
            is not None
        ]
        bounds = {model.key: (available, rooms.get(model.provider)) for model in self.models.values()}
        fitting = [v for v in variants if all(room is None or v.cost <= room for room in bounds[v.model])]
        return min(fitting, default=None, key=lambda v: (v.duration_s != spec.duration_s, v.cost, v.model))

    def models_with(self, ability: str) -> list[str]:
        """List the offered models whose field `ability` is true, for refusals."""
        return [key for key, model in self.models.items() if getattr(model, ability)]

    def _cost(self, request: GenerationRequest, spec: Spec) -> Credits | None:
        """Return the price of a variant of `spec`, None where its model cannot make it."""
        try:
            return self.quote(replace(self.decide(request), references=spec.references))
        except Refused:
            return None

    def _fill(self, request: GenerationRequest, model: Model) -> Spec:
        """Decide what was not chosen: by the model's defaults, and by what goes with what was chosen."""
        rendering = request.rendering or model.default_rendering
        resolution = request.resolution or self._default_resolution(model)
        is_seed_chosen = request.seed not in {None, -1}
        shots = _planned(request, model)
        return Spec(
            kind=request.kind,
            model=model.key,
            prompt=_prompt(request, shots, model),
            duration_s=_duration(request, shots, model),
            resolution=resolution,
            aspect_ratio=request.aspect_ratio or _default_ratio(model, resolution, rendering),
            audio=model.default_audio if request.audio is None else request.audio,
            watermark=bool(request.watermark),
            seed=request.seed if is_seed_chosen and request.seed is not None else secrets.randbelow(SEED_MAX),
            is_seed_chosen=is_seed_chosen,
            sample=request.sample,
            rendering=rendering,
            style=request.style,
            camera=request.camera,
            motion=request.motion,
            fixed_lens=bool(request.fixed_lens),
            count=request.count or 1,
            format=request.format or model.default_format,
            shots=shots,
        )

    def _default_resolution(self, model: Model) -> str:
        wanted = (model.default_resolution, *model.made_resolutions)
        return next(r for r in wanted if self.prices.has(model.key, r, model.kind))


def _planned(request: GenerationRequest, model: Model) -> tuple[Shot, ...]:
    if not request.shots:
        return ()
    return plan_shots(
        request.shots,
        model=model.key,
        least_s=model.min_duration_s,
        most_s=model.max_duration_s,
        wanted_s=request.duration_s,
    )


def _prompt(request: GenerationRequest, shots: tuple[Shot, ...], model: Model) -> str:
    if not shots:
        return request.prompt.strip()
    return list_shots(shots) if model.has_scenes else compile_shots(shots, _duration(request, shots, model))


def _duration(request: GenerationRequest, shots: tuple[Shot, ...], model: Model) -> int:
    if shots:
        return sum(shot.seconds or 0 for shot in shots)
    return model.default_duration_s if request.duration_s is None else request.duration_s


def _default_ratio(model: Model, resolution: str, rendering: str | None) -> str:
    wanted = (model.default_aspect_ratio, *model.aspect_ratios)
    return next((one for one in wanted if model.combines(one, resolution, rendering)), model.default_aspect_ratio)
