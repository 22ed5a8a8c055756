"""`/storyboard`: a form with a field for each shot becomes one clip.

The command's options travel in the form's own ids (`_carried`), so a form that was opened before a restart still works
after it. What was typed is given back with every refusal: as text, and under a button that opens the form again with
it. That button works while this process remembers the text, the text itself for as long as Discord shows the message.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

from bot.discord.client import BotClient
from bot.discord.words import Words, escape
from bot.domain.errors import Refused
from bot.domain.requests import Attachment, GenerationRequest, ReferenceRole, Shot
from bot.domain.shots import MAX_SHOTS, parse_shots
from cogs._asking import ask
from cogs._carried import field_values, pack, unpack
from cogs._commands import IN_GUILDS, Labels
from cogs._inputs import check_place, generation_request
from cogs._modal_fields import label, paragraph
from cogs._options import (
    ANY_PROMPT,
    MODEL_CHARS,
    STYLE_CHARS,
    VIDEO_MODELS,
    Choices,
    choices,
    suggest_storyboard_models,
    suggest_styles,
)
from cogs._replies import Interaction, tell, words_of
from cogs.errors import answer_errors
from cogs.panels import modal_id, open_modal, panel_id, register_modal, register_panel
from cogs.services import Services
from cogs.settings_drafts import Drafts

FEATURE = "shots"
#: What fits into one embed with its title (resources/message, Embed Limits); more goes into a file.
SHOWN_CHARS = 3900
#: The options that a form carries, each under one letter.
_CARRIED: dict[str, tuple[str, type]] = {
    "m": ("model", str),
    "r": ("resolution", str),
    "a": ("aspect_ratio", str),
    "y": ("style", str),
    "s": ("seed", int),
    "u": ("audio", bool),
    "p": ("private", bool),
}
_FILE = "f"
_OPTIONS = "options"
START_IMAGE = ReferenceRole.START_IMAGE


class Storyboard:
    """Opens the form and takes it back."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._drafts = Drafts()

    def register(self, client: BotClient) -> None:
        """Add the command; answer its form and the button that opens it again."""
        catalogue = self._services.catalogue
        command = Labels(catalogue).command("storyboard", self.run, contexts=IN_GUILDS)
        offered = choices(
            catalogue,
            VIDEO_MODELS,
            resolution=lambda model: model.made_resolutions,
            aspect_ratio=lambda model: model.aspect_ratios,
        )
        app_commands.choices(**offered)(command)
        command.autocomplete("model")(self.suggest_models)
        command.autocomplete("style")(self.suggest_styles)
        client.tree.add_command(command)
        register_modal(client, FEATURE, self.submitted)
        register_panel(client, FEATURE, self.reopen)

    async def run(  # noqa: PLR0917  one parameter is one option
        self,
        interaction: Interaction,
        model: app_commands.Range[str, 1, MODEL_CHARS] | None = None,
        resolution: str | None = None,
        aspect_ratio: str | None = None,
        style: app_commands.Range[str, 1, STYLE_CHARS] | None = None,
        seed: int | None = None,
        audio: bool | None = None,
        start_image: discord.Attachment | None = None,
        private: bool = False,
    ) -> None:
        """Refuse what the options alone show to be wrong before anything is written, then open the form."""
        request = generation_request(vars(interaction.namespace))
        if not private:
            check_place(interaction, words_of(interaction, self._services.catalogue))
        spec = self._services.generation.check(replace(request, shots=(Shot(ANY_PROMPT),)))
        await self._services.styles.check(spec)
        await self._open(interaction, request)

    async def suggest_models(self, interaction: Interaction, current: str) -> Choices:
        """Suggest models that make clips."""
        return await suggest_storyboard_models(self._services, interaction, current)

    async def suggest_styles(self, _interaction: Interaction, current: str) -> Choices:
        """Suggest styles that the provider lists."""
        return await suggest_styles(self._services, current)

    async def submitted(self, interaction: Interaction, rest: str, values: dict[str, Any]) -> None:
        """Ask for the clip; whatever comes between, what was typed is given back."""
        texts = field_values(values)
        request: GenerationRequest | None = None
        is_accepted = False
        async with answer_errors(interaction, self._services.catalogue):
            request = _request(unpack(rest, values))
            await ask(interaction, self._services, replace(request, shots=parse_shots(texts)))
            is_accepted = True
        if not is_accepted:
            await self._give_back(interaction, request, texts)

    async def reopen(self, interaction: Interaction, token: str, _values: list[str]) -> None:
        """Open the form again as it was."""
        draft = self._drafts.find(token)
        if not draft:
            raise Refused("form_forgotten")
        request = _request(json.loads(str(draft[_OPTIONS])))
        await self._open(interaction, request, [str(draft[str(number)]) for number in range(MAX_SHOTS)])

    async def _open(self, interaction: Interaction, request: GenerationRequest, texts: Sequence[str] = ()) -> None:
        words = words_of(interaction, self._services.catalogue)
        packed = pack(_carried(request), MAX_SHOTS)
        if packed is None:
            raise Refused("file_name_too_long", option="start_image")
        rest, ids = packed
        fields = [_field(words, number, field_id, texts) for number, field_id in enumerate(ids)]
        await open_modal(interaction, modal_id(FEATURE, rest), words("modal.storyboard_title"), fields)

    async def _give_back(
        self, interaction: Interaction, request: GenerationRequest | None, texts: Sequence[str]
    ) -> None:
        """Show what was typed, with a button that opens the form again where its options are known."""
        words = words_of(interaction, self._services.catalogue)
        view = None if request is None else self._reopen_button(request, texts, words)
        typed = "\n\n".join(text.strip() for text in texts if text.strip())
        shown = escape(typed)
        if len(shown) <= SHOWN_CHARS:
            embed = discord.Embed(title=words("storyboard.typed"), description=shown)
            await tell(interaction, embed=embed, view=view)
            return
        await tell(interaction, words("storyboard.typed_file"), view=view)
        file = discord.File(io.BytesIO(typed.encode()), "storyboard.txt")
        await interaction.followup.send(file=file, ephemeral=True)

    def _reopen_button(self, request: GenerationRequest, texts: Sequence[str], words: Words) -> discord.ui.View:
        typed = [*texts, *[""] * MAX_SHOTS][:MAX_SHOTS]
        draft = {_OPTIONS: json.dumps(_carried(request)), **{str(number): text for number, text in enumerate(typed)}}
        view = discord.ui.View(timeout=None)
        view.add_item(
            discord.ui.Button[Any](
                label=words("button.storyboard_edit"),
                style=discord.ButtonStyle.primary,
                custom_id=panel_id(FEATURE, self._drafts.keep(draft)),
            )
        )
        view.stop()  # it is answered by its custom id
        return view


def _field(words: Words, number: int, field_id: str, texts: Sequence[str]) -> discord.ui.Label[Any]:
    text = texts[number] if number < len(texts) else ""
    hint = words("modal.shot_hint" if number == 0 else "modal.shot_more_hint")
    return label(words("modal.shot", number=number + 1), paragraph(field_id, text, required=number == 0), hint)


def _carried(request: GenerationRequest) -> dict[str, Any]:
    """Return what a form has to carry; what was not chosen is left out."""
    named = {letter: getattr(request, name) for letter, (name, _) in _CARRIED.items()}
    carried = {letter: value for letter, value in named.items() if value is not None}
    if request.attachments:
        file = request.attachments[0]
        carried[_FILE] = [file.filename, file.size_bytes, file.url]
    return carried


def _request(carried: dict[str, Any]) -> GenerationRequest:
    """Return the request that a form carried, without its shots. It is trusted no more than a command's options.

    Raises:
        Refused: `form_unreadable`.
    """
    options: dict[str, Any] = {}
    files: list[Attachment] = []
    for letter, value in carried.items():
        name, kind = _CARRIED.get(letter, ("", type(None)))
        match value:
            case [str(filename), int(size_bytes), str(url)] if letter == _FILE:
                files.append(Attachment(START_IMAGE.value, START_IMAGE, filename, size_bytes, url))
            case _ if name and isinstance(value, kind):
                options[name] = value
            case _:
                raise Refused("form_unreadable")
    return GenerationRequest(prompt="", attachments=tuple(files), **options)
