"""What comes of an earlier job: once more, with changes, or the clip that follows it."""

import asyncio
import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.db import guilds, jobs, work
from bot.db.engine import Database
from bot.domain.catalog import Catalog, Model
from bot.domain.errors import MediaRejected, NotFound, Refused
from bot.domain.jobs import Job, JobState
from bot.domain.requests import Attachment, GenerationRequest, MediaKind, Reference, ReferenceRole, Spec
from bot.domain.rules import PublicPrompts
from bot.domain.shots import list_shots, read_shots
from bot.ports import MediaStore, MediaWorkshop
from bot.services.delivery_pictures import addresses, is_pictures, kept_picture, numbers_of
from bot.services.generation import Generation, Requester
from bot.services.sharing import SHARE_NUMBER

#: Options of `/video` that carry references, in the order in which uploads fill free ones.
PLACES = ("start_image", "reference_1", "reference_2", "reference_3", "reference_4", "end_image")
_OWN_ROLES = {role.value: role for role in ReferenceRole}


PICTURE_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}


@dataclass(frozen=True, slots=True)
class RerunView:
    """An earlier job as somebody who wants more of it sees it.

    `missing` are the options whose files are no longer kept, `places` those that an upload can fill, in their order.
    `is_public`: whoever sees the channel has seen the clip. `prompt` lists the shots of a storyboard; it is empty where
    the server hides prompts from others.
    """

    job: Job
    missing: tuple[str, ...]
    places: tuple[str, ...]
    is_public: bool
    prompt: str


class Rerun:
    """Makes new jobs of old ones, on the budget and under the rules of whoever asks."""

    def __init__(
        self,
        database: Database,
        *,
        generation: Generation,
        catalog: Catalog,
        store: MediaStore,
        workshop: MediaWorkshop,
    ) -> None:
        self._database = database
        self._generation = generation
        self._catalog = catalog
        self._store = store
        self._workshop = workshop

    async def view(self, job_id: str, *, viewer_id: int, guild_id: int) -> RerunView:
        """Return a job that this person may repeat: a public one of the guild, or their own. One read.

        Raises:
            NotFound: none such in this guild.
            Refused: `not_yours_private`.
        """
        async with self._database.read() as connection:
            found = await jobs.get(connection, job_id)
            shares = await work.parts(connection, job_id, SHARE_NUMBER)
            rules = await guilds.rules(connection, guild_id)
        if found is None or found.guild_id != guild_id:
            raise NotFound("job_not_found", job=job_id)
        is_public = not found.is_private or any(share.message_id is not None for share in shares)
        if not is_public and found.user_id != viewer_id:
            raise Refused("not_yours_private", job=job_id)
        missing = tuple([place(one) for one in found.spec.references if not await self._is_kept(one)])
        is_told = found.user_id == viewer_id or rules.public_prompts is not PublicPrompts.NO
        prompt = _editable(found.spec) if is_told else ""
        return RerunView(found, missing, self._places(found, missing), is_public, prompt)

    async def again(self, requester: Requester, job_id: str, *, private: bool, same_seed: bool = False) -> Job:
        """Ask for the same once more, at today's price; with a new seed unless `same_seed` keeps a chosen one.

        Raises:
            NotFound: as `view`.
            Refused: `reference_gone` names the missing files, or as `Generation.accept`.
        """
        seen = await self._seen(requester, job_id, private=private)
        if seen.missing:
            raise _gone(seen.missing)
        request = request_of(seen.job, private=private, same_seed=same_seed)
        return await self._accept(requester, request, seen.job, seen.job.spec.references)

    async def edit(
        self, requester: Requester, job_id: str, prompt: str, files: Sequence[Attachment], *, private: bool
    ) -> Job:
        """Ask for a job with another prompt and other files; its options are kept, a chosen seed too.

        The prompt of a storyboard is its shots as `RerunView.prompt` lists them. The files go to `RerunView.places` in
        their order: missing ones, then kept ones, then free ones.

        Raises:
            NotFound: as `view`.
            Refused: `reference_gone` names what is still missing, or as `Generation.accept`.
        """
        seen = await self._seen(requester, job_id, private=private)
        if len(files) < len(seen.missing):
            raise _gone(seen.missing[len(files) :])
        model = self._catalog.model(seen.job.spec.model)
        if len(files) > len(seen.places):
            raise Refused("too_many_references", count=len(files), most=model.max_references, model=model.key)
        taken = [_put(file, where) for file, where in zip(files, seen.places, strict=False)]
        filled = {one.option for one in taken}
        kept = tuple(one for one in seen.job.spec.references if place(one) not in filled)
        request = replace(
            request_of(seen.job, private=private, same_seed=True),
            prompt=prompt,
            shots=read_shots(prompt) if seen.job.spec.shots else (),
            attachments=tuple(taken),
        )
        return await self._accept(requester, request, seen.job, kept)

    async def extend(self, requester: Requester, job_id: str, prompt: str, *, private: bool) -> Job:
        """Ask for the clip that follows: by the provider's own way of continuing a clip where the model has one and the
        clip is kept, else from its last frame: of the kept clip, else the one that the provider keeps for a while.

        Raises:
            NotFound: as `view`.
            Refused: `not_delivered`, `not_supported`, `clip_gone`, or as `Generation.accept`.
        """
        seen = await self._seen(requester, job_id, private=private)
        old = seen.job
        model = self.extender(old)
        request = replace(request_of(old, private=private, same_seed=False), prompt=prompt, shots=())
        self._generation.check(request)
        frame = await self._previous_clip(old, model) if model.has_previous_clip else None
        if frame is None:
            frame = await self._last_frame(old)
        if frame is None:
            return await self._extend_from_address(requester, request, old)
        return await self._accept_new(requester, request, old, frame)

    def extender(self, old: Job) -> Model:
        """Return the model that continues a job's clip: its own.

        Raises:
            Refused: `not_delivered`, `not_supported`, or the model is no longer on offer.
        """
        if old.state not in {JobState.DELIVERING, JobState.DELIVERED, JobState.UNDELIVERED}:
            raise Refused("not_delivered", job=old.id)
        model = self._catalog.model(old.spec.model)
        if not (model.has_start_image or model.has_previous_clip):
            others = ", ".join(self._catalog.models_with("has_start_image"))
            raise Refused("not_supported", option="start_image", model=model.key, others=others)
        return model

    async def animate(
        self, requester: Requester, job_id: str, number: int | None, prompt: str, *, private: bool
    ) -> Job:
        """Ask for a clip that begins with one of a job's pictures (numbered from 1, None: the first), by the default
        model or else the first one that takes a start image; in the picture's shape where the model makes it.

        Raises:
            NotFound: as `view`.
            Refused: `not_delivered`, `no_picture`, `not_supported`, `clip_gone`, or as `Generation.accept`.
        """
        seen = await self._seen(requester, job_id, private=private)
        old = seen.job
        if old.state not in {JobState.DELIVERED, JobState.UNDELIVERED}:
            raise Refused("not_delivered", job=job_id)
        number = numbers_of(old)[0] if number is None else number
        if not is_pictures(old) or number not in numbers_of(old):
            raise Refused("no_picture")
        model = self._animator()
        shape = old.spec.aspect_ratio if old.spec.aspect_ratio in model.aspect_ratios else None
        request = GenerationRequest(prompt, model=model.key, aspect_ratio=shape, private=private)
        self._generation.check(request)
        picture = await self._start_picture(old, number, model)
        if picture is None:
            return await self._start_from_address(requester, request, old, "picture", addresses(old)[number - 1])
        return await self._accept_new(requester, request, old, picture)

    def _animator(self) -> Model:
        """Return the model that sets pictures in motion."""
        chosen = self._catalog.model(None)
        if chosen.has_start_image:
            return chosen
        others = self._catalog.models_with("has_start_image")
        if not others:
            raise Refused("not_supported", option="start_image", model=chosen.key, others="–")
        return self._catalog.model(others[0])

    async def _start_picture(self, old: Job, number: int, model: Model) -> Reference | None:
        """Store a kept picture as a start image of its own, None where it is no longer kept."""
        if old.clip_key is None:
            return None
        try:
            key = await kept_picture(self._store, old, number)
            picture = await self._workshop.fit_picture(key, model.max_image_bytes)
        except MediaRejected:
            return None
        if picture is None:
            return None
        ending = picture.suffix.removeprefix(".")
        kept, size_bytes, digest = await self._keep_copy(picture, ending)
        return Reference(
            role=ReferenceRole.START_IMAGE,
            kind=MediaKind.IMAGE,
            content_type=PICTURE_TYPES[ending],
            size_bytes=size_bytes,
            sha256=digest,
            key=kept,
            option="start_image",
            source_url=addresses(old)[number - 1],
        )

    async def _accept_new(
        self, requester: Requester, request: GenerationRequest, old: Job, reference: Reference
    ) -> Job:
        """Ask for a job with a reference that was stored for it; it goes where the job is refused."""
        try:
            return await self._accept(requester, request, old, (reference,))
        except (Refused, MediaRejected):
            await self._store.delete(reference.key)
            raise

    async def _extend_from_address(self, requester: Requester, request: GenerationRequest, old: Job) -> Job:
        if old.last_frame_url is None:
            raise Refused("clip_gone", job=old.id)
        return await self._start_from_address(requester, request, old, "last-frame.jpg", old.last_frame_url)

    async def _start_from_address(
        self, requester: Requester, request: GenerationRequest, old: Job, filename: str, url: str
    ) -> Job:
        """Begin with a picture that the provider may still have."""
        frame = Attachment("start_image", ReferenceRole.START_IMAGE, filename, 1, url)
        try:
            return await self._accept(requester, replace(request, attachments=(frame,)), old, ())
        except MediaRejected as error:
            raise Refused("clip_gone", job=old.id) from error

    async def _last_frame(self, old: Job) -> Reference | None:
        """Store the kept clip's last frame as a start image, None where there is no clip or no frame."""
        if old.clip_key is None:
            return None
        try:
            picture = await self._workshop.last_frame(old.clip_key)
        except MediaRejected:
            return None
        if picture is None:
            return None
        key, size_bytes, digest = await self._keep_copy(picture, "jpg")
        return Reference(
            role=ReferenceRole.START_IMAGE,
            kind=MediaKind.IMAGE,
            content_type="image/jpeg",
            size_bytes=size_bytes,
            sha256=digest,
            key=key,
            option="start_image",
            source_url=old.last_frame_url,
        )

    async def _previous_clip(self, old: Job, model: Model) -> Reference | None:
        """Store the kept clip as the one to continue, None where it is not kept or larger than the model takes."""
        if old.clip_key is None:
            return None
        try:
            clip = await self._store.local(old.clip_key)
        except MediaRejected:
            return None
        if (await asyncio.to_thread(clip.stat)).st_size > model.max_video_bytes:
            return None
        key, size_bytes, digest = await self._keep_copy(clip, "mp4")
        return Reference(
            role=ReferenceRole.PREVIOUS_CLIP,
            kind=MediaKind.VIDEO,
            content_type="video/mp4",
            size_bytes=size_bytes,
            sha256=digest,
            key=key,
            duration_s=float(old.spec.duration_s),
            option="previous_clip",
            source_url=old.result_url,
        )

    async def _keep_copy(self, file: Path, ending: str) -> tuple[str, int, str]:
        """Store a copy of a file as a reference of its own. Returns its key, size and digest."""
        copy, size_bytes, digest = await asyncio.to_thread(_copy, file)
        key = f"references/{digest[:2]}/{secrets.token_hex(16)}.{ending}"
        try:
            await self._store.put(key, copy)
        finally:
            await asyncio.to_thread(copy.unlink, missing_ok=True)
        return key, size_bytes, digest

    async def _seen(self, requester: Requester, job_id: str, *, private: bool) -> RerunView:
        """View a job; what is still private is never repeated in public."""
        seen = await self.view(job_id, viewer_id=requester.user_id, guild_id=requester.guild_id)
        if not seen.is_public and not private:
            raise Refused("not_yours_private", job=job_id)
        return seen

    async def _accept(
        self, requester: Requester, request: GenerationRequest, old: Job, kept: tuple[Reference, ...]
    ) -> Job:
        spec = self._generation.check(request)
        model = self._catalog.model(spec.model)
        count = len(kept) + len(request.attachments)
        if count > model.max_references:
            raise Refused("too_many_references", count=count, most=model.max_references, model=model.key)
        return await self._generation.accept(requester, request, spec, kept=kept, source_job_id=old.id)

    async def _is_kept(self, reference: Reference) -> bool:
        try:
            await self._store.local(reference.key)
        except MediaRejected:
            return False
        return True

    def _places(self, old: Job, missing: tuple[str, ...]) -> tuple[str, ...]:
        """Name what uploads fill, in this order: missing files, kept ones, and what is free."""
        used = [place(one) for one in old.spec.references]
        kept = [name for name in used if name not in missing]
        model = self._catalog.models.get(old.spec.model)
        free = [name for name in PLACES if name not in used and _takes(model, name)]
        most = 0 if model is None else model.max_references
        return (*missing, *kept, *free[: max(0, most - len(used))])


def place(reference: Reference) -> str:
    """Return the option that a reference came by."""
    return reference.option or reference.role.value


def request_of(old: Job, *, private: bool, same_seed: bool) -> GenerationRequest:
    """Return a job's request as if it were typed anew, without its files."""
    spec = old.spec
    return GenerationRequest(
        prompt=spec.prompt,
        kind=spec.kind,
        model=spec.model,
        duration_s=spec.duration_s,
        resolution=spec.resolution,
        aspect_ratio=spec.aspect_ratio,
        audio=spec.audio,
        seed=spec.seed if same_seed and spec.is_seed_chosen else None,
        watermark=spec.watermark,
        sample=spec.sample,
        rendering=spec.rendering,
        private=private,
        style=spec.style,
        camera=spec.camera,
        motion=spec.motion,
        fixed_lens=spec.fixed_lens,
        count=spec.count,
        format=spec.format,
        shots=spec.shots,
    )


def _editable(spec: Spec) -> str:
    """Return the prompt as it is edited: a storyboard's shots one after the other, without what we add to them."""
    return list_shots(spec.shots) if spec.shots else spec.prompt


def _put(file: Attachment, where: str) -> Attachment:
    return replace(file, option=where, role=_OWN_ROLES.get(where, ReferenceRole.REFERENCE))


def _takes(model: Model | None, name: str) -> bool:
    if model is None:
        return False
    return {"start_image": model.has_start_image, "end_image": model.has_end_image}.get(name, True)


def _gone(options: Sequence[str]) -> Refused:
    return Refused("reference_gone", option=", ".join(options))


def _copy(file: Path) -> tuple[Path, int, str]:
    """Copy a file for the store to move away; return the copy, its bytes and its SHA-256."""
    with tempfile.NamedTemporaryFile(delete=False) as target, file.open("rb") as source:
        try:
            shutil.copyfileobj(source, target)
            source.seek(0)
            return Path(target.name), target.tell(), hashlib.file_digest(source, "sha256").hexdigest()
        except OSError:
            Path(target.name).unlink()
            raise
