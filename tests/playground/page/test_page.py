"""What a browser gets from the page, over HTTP, with the stand-in bot behind it."""

import copy
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from playground.rig import Rig

pytestmark = pytest.mark.slow

MOVIE = "seedance2-movie"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that gives up soon."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


def origin(rig: Rig) -> str:
    """The page's address."""
    assert rig.page is not None
    return rig.page.origin


async def act(http: aiohttp.ClientSession, rig: Rig, **fields: Any) -> tuple[int, dict[str, Any]]:
    """Do something as a visitor: status and answer."""
    body = {"person": "ann", "channel": "video-lab", **fields}
    async with http.post(origin(rig) + "/api/act", json=body) as answer:
        return answer.status, await answer.json()


async def messages_until(http: aiohttp.ClientSession, rig: Rig, text: str, person: str = "ann") -> list[dict[str, Any]]:
    """Read a live stream until a message has this in it."""
    async with http.get(origin(rig) + f"/api/stream?person={person}&channel=video-lab") as answer:
        event = ""
        async for line in answer.content:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            event = value if name == "event" else event
            if name == "data" and event == "messages" and text in value:
                found: list[dict[str, Any]] = json.loads(value)
                return found
    raise AssertionError("the stream ended")


class TestWhoMayTalkToIt:
    """Only this machine's browser, only from the page itself."""

    async def test_a_foreign_host_name_is_refused(self, quiet_rig: Rig, http: aiohttp.ClientSession) -> None:
        """A name that an attacker's DNS points at 127.0.0.1 gets nothing."""
        async with http.get(origin(quiet_rig), headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403

    @pytest.mark.parametrize("foreign", ["http://evil.example", "null", "http://127.0.0.1:1"])
    async def test_another_sites_request_is_refused(
        self, quiet_rig: Rig, http: aiohttp.ClientSession, foreign: str
    ) -> None:
        """Another page in the same browser cannot kill the bot, whatever its origin."""
        address = origin(quiet_rig) + "/api/bot"

        async with http.post(address, json={"action": "kill"}, headers={"Origin": foreign}) as answer:
            assert answer.status == 403

    async def test_a_request_caused_by_another_site_is_refused(
        self, quiet_rig: Rig, http: aiohttp.ClientSession
    ) -> None:
        """A picture tag on another site sends no Origin, but the browser says where it stood."""
        address = origin(quiet_rig) + "/api/start"

        async with http.get(address, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
            assert answer.status == 403

    async def test_the_page_loads_nothing_from_elsewhere(self, quiet_rig: Rig, http: aiohttp.ClientSession) -> None:
        """Scripts run from the page's own files only, and no site may frame it."""
        async with http.get(origin(quiet_rig)) as answer:
            policy = answer.headers["Content-Security-Policy"]

            assert answer.status == 200
            assert "script-src 'self'" in policy
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy


class TestVisitors:
    """What a visitor does reaches the bot, and what the bot does reaches the visitor."""

    async def test_a_command_makes_a_clip_that_arrives_live(self, rig: Rig, http: aiohttp.ClientSession) -> None:
        """The clip is in the stream, and plays through the page's own address, in pieces too."""
        status, answer = await act(http, rig, kind="slash", command="video", options={"prompt": "A cat"})
        seen = await messages_until(http, rig, "your clip")

        assert (status, answer["acknowledged"]) == (200, True)
        url = seen[-1]["attachments"][0]["url"].replace(rig.discord.origin, origin(rig))
        async with http.get(url, headers={"Range": "bytes=4-7"}) as piece:
            assert (piece.status, await piece.read()) == (206, b"ftyp")

    async def test_a_private_answer_reaches_its_reader_alone(self, rig: Rig, http: aiohttp.ClientSession) -> None:
        """Ben's stream shows the clip that came later, and never Ann's balance."""
        await act(http, rig, kind="slash", command="balance")
        await act(http, rig, kind="slash", command="video", options={"prompt": "A cat"})

        assert "41.0" in json.dumps(await messages_until(http, rig, "your clip"))
        assert "41.0" not in json.dumps(await messages_until(http, rig, "your clip", person="ben"))

    async def test_silence_is_told_as_no_acknowledgement(self, rig: Rig, http: aiohttp.ClientSession) -> None:
        """After three seconds the page knows that the application did not respond."""
        status, answer = await act(http, rig, kind="slash", command="silence")

        assert (status, answer["acknowledged"]) == (200, False)

    async def test_suggestions_come_from_the_bot(self, rig: Rig, http: aiohttp.ClientSession) -> None:
        """What was typed so far goes to the bot, its choices come back."""
        query = {"person": "ann", "channel": "video-lab", "command": "video", "option": "model", "value": "fast"}

        async with http.get(origin(rig) + "/api/autocomplete", params=query) as answer:
            assert (await answer.json())["choices"] == [{"name": "Seedance 2.0 fast", "value": "seedance-2.0-fast"}]

    async def test_a_file_goes_along_with_a_command(self, rig: Rig, http: aiohttp.ClientSession) -> None:
        """Attachment options are files of the form."""
        form = aiohttp.FormData()
        fields = {
            "person": "ann",
            "channel": "video-lab",
            "kind": "slash",
            "command": "video",
            "options": {"prompt": "A cat"},
        }
        form.add_field("payload", json.dumps(fields))
        form.add_field("start_image", b"\x89PNG\r\n\x1a\n", filename="cat.png", content_type="image/png")

        async with http.post(origin(rig) + "/api/act", data=form) as answer:
            assert (answer.status, (await answer.json())["acknowledged"]) == (200, True)

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"person": "eve", "kind": "slash", "command": "video"}, "nobody called eve"),
            ({"channel": "attic", "kind": "slash", "command": "video"}, "no channel called attic"),
            ({"kind": "dance"}, "cannot do dance"),
            ({"kind": "slash", "command": "video", "options": {}}, "prompt"),
            ({"kind": "click", "message_id": "1", "custom_id": "x"}, "message 1"),
        ],
    )
    async def test_what_cannot_be_done_is_said(
        self, rig: Rig, http: aiohttp.ClientSession, fields: dict[str, Any], sentence: str
    ) -> None:
        """A wrong request is a 400 with a sentence for the visitor."""
        status, answer = await act(http, rig, **fields)

        assert status == 400
        assert sentence in answer["error"]


class TestSidePanel:
    """The switches do what they say."""

    async def test_a_chosen_failure_befalls_the_next_task(self, quiet_rig: Rig, http: aiohttp.ClientSession) -> None:
        """The provider will end the next task with the chosen code, and the panel says that it waits."""
        body = {"provider": MOVIE, "name": "fail_task", "choice": "COPYRIGHT_VIOLATION"}

        async with http.post(origin(quiet_rig) + "/api/fault", json=body) as answer:
            assert "COPYRIGHT_VIOLATION" in (await answer.json())["said"]
        assert quiet_rig.movie.outcomes[0].error_code == "COPYRIGHT_VIOLATION"
        assert quiet_rig.page is not None
        assert "COPYRIGHT_VIOLATION" in quiet_rig.page.panel()["providers"][MOVIE]["waiting"]

    @pytest.mark.parametrize(
        "body",
        [
            {"provider": MOVIE, "name": "rain"},
            {"provider": MOVIE, "name": "fail_task", "choice": "BAD_HAIR_DAY"},
            {"provider": "nobody", "name": "fail_task", "choice": "COPYRIGHT_VIOLATION"},
            {},
        ],
    )
    async def test_an_unknown_fault_is_refused(
        self, quiet_rig: Rig, http: aiohttp.ClientSession, body: dict[str, str]
    ) -> None:
        """A wrong request is a 400, and nothing waits to go wrong."""
        async with http.post(origin(quiet_rig) + "/api/fault", json=body) as answer:
            assert answer.status == 400
        assert not quiet_rig.movie.outcomes

    async def test_callbacks_are_held_and_sent_again(self, quiet_rig: Rig, http: aiohttp.ClientSession) -> None:
        """A check box: on holds them, off and *Forget all faults* let them go."""
        address = origin(quiet_rig) + "/api/fault"

        async with http.post(address, json={"provider": MOVIE, "name": "hold_callbacks", "on": True}):
            assert not quiet_rig.movie.knobs.callbacks.enabled
        async with http.post(address, json={"provider": MOVIE, "name": "clear"}):
            assert quiet_rig.movie.knobs.callbacks.enabled

    @pytest.mark.parametrize("provider", ["seedance2-movie", "seedance2ai", "seedance-tv"])
    async def test_every_switch_of_every_provider_does_something(
        self, quiet_rig: Rig, http: aiohttp.ClientSession, provider: str
    ) -> None:
        """With each of its choices: the page gets a sentence; *Forget all faults* leaves nothing."""
        assert quiet_rig.page is not None
        emulator: Any = {"seedance2ai": quiet_rig.ai, "seedance-tv": quiet_rig.tv}.get(provider, quiet_rig.movie)
        knobs, usual_s = copy.deepcopy(emulator.knobs), emulator.render_s
        async with http.get(origin(quiet_rig) + "/api/start") as answer:
            listed = (await answer.json())["providers"]
        [switches] = [one["faults"] for one in listed if one["name"] == provider]
        for switch in switches:
            for choice in switch.get("choices", [None]):
                body = {"provider": provider, "name": switch["name"], "choice": choice, "on": True}
                async with http.post(origin(quiet_rig) + "/api/fault", json=body) as answer:
                    assert answer.status == 200
                    assert (await answer.json())["said"].endswith(".")

        assert switches[-1]["name"] == "clear"
        assert not emulator.outcomes
        assert not emulator.faults.pending
        assert (emulator.knobs, emulator.render_s) == (knobs, usual_s)
        assert quiet_rig.page.panel()["providers"][provider]["waiting"] == ""

    async def test_panels_tell_tasks_of_all_kinds(self, quiet_rig: Rig, http: aiohttp.ClientSession) -> None:
        """Clips with their seconds, pictures with their count, credits that are left."""
        ai, tv = quiet_rig.ai, quiet_rig.tv
        picture = {"type": "text-to-image", "prompt": "A red kite", "resolution": "1K", "aspectRatio": "1:1"}
        headers = {"Authorization": f"Bearer {ai.api_key}", "Idempotency-Key": "one"}
        url = ai.origin + "/api/v1/image/gpt-image-2"
        async with http.post(url, json={**picture, "batchCount": 2}, headers=headers) as answer:
            assert answer.status == 202
        headers = {"Authorization": f"Bearer {tv.api_key}"}
        async with http.post(tv.base_url + "/videos", json={"prompt": "A fox", "seed": 7}, headers=headers) as answer:
            assert answer.status == 202

        assert quiet_rig.page is not None
        panels = quiet_rig.page.panel()["providers"]
        assert list(panels) == ["seedance2-movie", "seedance2ai", "seedance-tv"]
        assert panels["seedance2ai"]["tasks"][0]["facts"] == "gpt-image-2 · 1K · 2 × 1:1 · 8.0 credits"
        assert panels["seedance2ai"]["credits"]["Credits left"] == "29,992.0"
        assert panels["seedance-tv"]["tasks"][0]["facts"] == "seedance-2.0 · 1080p · 5 s · 5.0 credits"

    async def test_the_bot_is_killed_and_started_again(self, rig: Rig, http: aiohttp.ClientSession) -> None:
        """The two buttons; the panel tells whether it runs."""
        first = rig.bot_pid
        assert rig.page is not None

        async with http.post(origin(rig) + "/api/bot", json={"action": "kill"}) as answer:
            assert answer.status == 200
        assert rig.page.panel()["bot"]["running"] is False
        async with http.post(origin(rig) + "/api/bot", json={"action": "start"}) as answer:
            assert answer.status == 200
        assert rig.page.panel()["bot"]["connected"] is True
        assert rig.bot_pid not in (None, first)
