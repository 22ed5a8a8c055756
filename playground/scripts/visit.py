"""What scripts do over and over: ask, read the answer, press, wait for a clip, look into the books."""

import json
import re
from collections.abc import Callable
from typing import Any

from playground.discord import Channel, Person
from playground.discord.acting import Outcome
from playground.rig import Rig
from playground.scripts.reading import Json, button, clip_url, field, is_filled, is_private, job_of, text_of
from playground.scripts.steps import StepFailed, Steps

ANSWER_TIMEOUT_S = 30.0
CLIP_TIMEOUT_S = 60.0
"""Long enough for a machine that is busy with other things."""
Who = Person | str
Where = Channel | str


class Visit:
    """One walk through the playground. Every verb that names a step prints it; one that does not hold ends the walk."""

    def __init__(self, rig: Rig, steps: Steps) -> None:
        self.rig = rig
        self.steps = steps
        self.discord = rig.discord
        self.movie = rig.movie

    def check(self, holds: object, step: str, otherwise: object = "it does not hold") -> None:
        """Report a step. Raises StepFailed when it does not hold."""
        self.steps.require(bool(holds), step, str(otherwise))

    async def until(self, predicate: Callable[[], Any], step: str, *, timeout_s: float = ANSWER_TIMEOUT_S) -> Any:
        """Wait until the predicate gives something true, report the step, and return what it gave."""
        try:
            found = await self.discord.wait_for(predicate, timeout_s=timeout_s)
        except TimeoutError:
            self.steps.failed(f"{step}: not within {timeout_s:.0f} s")
            raise StepFailed(step) from None
        self.steps.ok(step)
        return found

    # -- acting --------------------------------------------------------------------

    async def use(
        self,
        who: Who,
        where: Where,
        command: str,
        options: dict[str, Any] | None = None,
        files: dict[str, tuple[str, bytes]] | None = None,
    ) -> Outcome:
        """Use a slash command. Raises StepFailed when it is not acknowledged within Discord's three seconds."""
        return self._in_time(await self.discord.slash(who, where, command, options, files), f"/{command}")

    async def press(self, who: Who, message: Json | None, label: str) -> Outcome:
        """Press the button that says `label`. Raises StepFailed when there is none, or nobody answers in time."""
        custom_id = button(message, label)
        if message is None or not custom_id:
            self.check(False, f"there is a button {label}", text_of(message))
        assert message is not None
        return self._in_time(await self.discord.click(who, int(message["id"]), custom_id), f"the button {label}")

    async def fill(
        self, who: Who, opened: Outcome, values: dict[str, Any], files: dict[str, tuple[str, bytes]] | None = None
    ) -> Outcome:
        """Send off the form that was opened; fields by the first part of their custom ids."""
        if opened.modal is None:
            self.check(False, "a form opens", self._shown(opened))
        modal = opened.modal or {}
        given = {field(modal, name): value for name, value in values.items()}
        uploads = {field(modal, name): file for name, file in (files or {}).items()}
        return self._in_time(await self.discord.submit_modal(who, opened.interaction_id, given, uploads), "the form")

    def _in_time(self, outcome: Outcome, what: str) -> Outcome:
        if not outcome.acknowledged:
            self.check(False, f"{what} is acknowledged", f"not within {outcome.latency_s:.1f} s")
        return outcome

    # -- reading -------------------------------------------------------------------

    async def tells(self, outcome: Outcome, pattern: str, step: str, *, private: bool = True) -> Json:
        """Wait until an answer matches; it must be private, or public. Returns the message."""

        def found() -> Json | None:
            for message in (outcome.message, *outcome.follow_ups):
                if message is not None and is_filled(message) and re.search(pattern, text_of(message)):
                    return message
            return None

        try:
            message = await self.discord.wait_for(found, timeout_s=ANSWER_TIMEOUT_S)
        except TimeoutError:
            self.check(False, step, f"no answer like “{pattern}”, but: {self._shown(outcome)}")
            raise
        self.check(is_private(message) == private, step, f"for the wrong eyes: {text_of(message)}")
        return message

    def _shown(self, outcome: Outcome) -> str:
        return " | ".join(text_of(message) for message in (outcome.message, *outcome.follow_ups)) or "nothing"

    def texts(self, where: Where, viewer: Who) -> list[str]:
        """What a person sees in a channel, message by message."""
        return [text_of(message) for message in self.discord.messages(where, viewer)]

    def direct_texts(self, who: Who) -> list[str]:
        """What stands in a person's direct messages."""
        return [text_of(message) for message in self.discord.direct_messages(who)]

    def clips(self, prompt: str, where: Where, viewer: Who = "owner") -> list[Json]:
        """The messages with a clip whose text has `prompt`, oldest first."""
        return [m for m in self.discord.messages(where, viewer) if clip_url(m) and prompt in text_of(m)]

    def direct_clips(self, prompt: str, who: Who) -> list[Json]:
        """The same in direct messages."""
        return [m for m in self.discord.direct_messages(who) if clip_url(m) and prompt in text_of(m)]

    async def clip(self, prompt: str, where: Where, step: str, *, viewer: Who = "owner") -> Json:
        """Wait for the clip with this prompt, and return its message."""
        found = await self.until(lambda: self.clips(prompt, where, viewer), step, timeout_s=CLIP_TIMEOUT_S)
        return dict(found[-1])

    async def ends(self, outcome: Outcome, pattern: str, step: str) -> Json:
        """Wait until a job's card says so, and return it."""
        match = re.compile(pattern)
        found = await self.until(
            lambda: outcome.message if match.search(text_of(outcome.message)) else None, step, timeout_s=CLIP_TIMEOUT_S
        )
        return dict(found)

    # -- the provider and the books --------------------------------------------------

    def tasks(self, prompt: str) -> list[Any]:
        """The provider's tasks for a prompt."""
        return [task for task in self.movie.tasks.values() if task.order.prompt == prompt]

    async def running(self, prompt: str, step: str) -> Any:
        """Wait until the provider works on a prompt, and return its task."""
        found = await self.until(lambda: [t for t in self.tasks(prompt) if t.status == "processing"], step)
        return found[0]

    async def bot(self, *arguments: str) -> Any:
        """Run `python -m bot ARGUMENTS --json` beside the bot. Raises StepFailed when it fails."""
        code, out = await self.rig.run_command(*arguments, "--json")
        if code:
            self.check(False, f"python -m bot {' '.join(arguments)}", out)
        return json.loads(out)

    async def balance(self, who: str) -> Json:
        """A member's figures in the home guild, by the operator's command."""
        ids = ("--guild", str(self.discord.guild_id), "--user", str(self.discord.people[who].id))
        return dict(await self.bot("balance", *ids))

    async def close(self, tasks: int) -> None:
        """The end of every walk: no open job, exactly so many provider tasks, and books that are right."""
        left = await self.bot("jobs", "--open")
        self.check(not left, "no job is left open", left)
        prompts = [task.order.prompt for task in self.movie.tasks.values()]
        self.check(len(prompts) == tasks, f"the provider has exactly {tasks} tasks", f"{len(prompts)}: {prompts}")
        code, out = await self.rig.run_command("ledger", "verify")
        self.check(code == 0, "python -m bot ledger verify: every balance is what its entries say", out)


def job_in(message: Json) -> str:
    """The job that a message is about. Raises: KeyError when it names none."""
    found = job_of(message)
    if not found:
        raise KeyError(text_of(message))
    return found
