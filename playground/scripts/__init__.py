"""Scripted visits to the playground, each a coroutine that takes a started rig and reports its steps."""

from collections.abc import Awaitable, Callable

from playground.rig import Rig
from playground.scripts.first_clip import first_clip
from playground.scripts.steps import Steps

Script = Callable[[Rig, Steps], Awaitable[None]]

SCRIPTS: dict[str, Script] = {"first-clip": first_clip}
"""What `--script NAME` can run; `--check` is `--script first-clip`."""
