"""Variants of a decided request, of which the cheapest that fits is offered to whoever cannot afford it."""

from bot.domain.catalog_model import Model
from bot.domain.requests import Attachment, GenerationRequest, Kind, Reference, Spec


def repeat(spec: Spec, model: Model | None) -> GenerationRequest:
    """Ask for the same again, but for what only repeats the defaults of its `model` (None: no longer offered)."""
    is_usual_rendering = model is not None and spec.rendering == model.default_rendering
    is_usual_format = model is not None and spec.format == model.default_format
    return GenerationRequest(
        prompt=spec.prompt,
        kind=spec.kind,
        model=spec.model,
        duration_s=spec.duration_s,
        resolution=spec.resolution,
        aspect_ratio=spec.aspect_ratio,
        audio=spec.audio,
        seed=spec.seed if spec.is_seed_chosen else None,
        watermark=spec.watermark,
        sample=spec.sample,
        rendering=None if is_usual_rendering else spec.rendering,
        attachments=tuple(_attachment(one) for one in spec.references),
        style=spec.style,
        camera=spec.camera,
        motion=spec.motion,
        fixed_lens=spec.fixed_lens,
        count=spec.count,
        format=None if is_usual_format else spec.format,
        shots=spec.shots,
    )


def lengths(spec: Spec, model: Model) -> set[int]:
    """Return the seconds in which a model could make it: as asked if it can, and its shortest.

    A storyboard is as long as its shots, and pictures last no time.
    """
    if spec.shots or spec.kind is Kind.IMAGE:
        return {spec.duration_s}
    return {min(max(spec.duration_s, model.min_duration_s), model.max_duration_s), model.min_duration_s}


def _attachment(reference: Reference) -> Attachment:
    return Attachment(reference.option, reference.role, "", reference.size_bytes, "")
