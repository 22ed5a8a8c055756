"""A bare download and upload: for each address on standard input, the clip is fetched and posted, and the time said."""

import asyncio
import json
import os
import sys
import time
from datetime import datetime

import aiohttp
import uvloop


async def transfer(session: aiohttp.ClientSession, video_url: str, channel_id: str) -> float:
    """Fetch the clip and post it as a message's file; the seconds until the message stood in the channel."""
    began = time.time()
    async with session.get(video_url) as answer:
        clip = await answer.read()
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps({"content": "a clip"}), content_type="application/json")
    form.add_field("files[0]", clip, filename="clip.mp4", content_type="video/mp4")
    address = f"{os.environ['DISCORD_API_BASE']}/channels/{channel_id}/messages"
    headers = {"Authorization": f"Bot {os.environ['DISCORD_TOKEN']}"}
    async with session.post(address, data=form, headers=headers) as answer:
        answer.raise_for_status()
        message = await answer.json()
    return datetime.fromisoformat(message["timestamp"]).timestamp() - began


async def main() -> None:
    """Answer every line with one line, until the input ends."""
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as session:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            order = json.loads(line)
            print(await transfer(session, order["video_url"], order["channel_id"]), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
