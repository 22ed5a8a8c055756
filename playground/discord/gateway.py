"""The gateway websocket: HELLO, IDENTIFY, heartbeats, READY, dispatch, RESUME, transport compression.

Source: Discord's documentation, events/gateway and topics/opcodes-and-status-codes (close codes).
"""

from __future__ import annotations

import asyncio
import secrets
import time
import zlib
from collections import deque
from typing import Any, Protocol

import orjson
import zstandard
from aiohttp import WSMsgType, web

from playground.discord import payloads
from playground.discord.model import Json
from playground.discord.world import World, bot_token

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME, RECONNECT, MEMBERS, INVALID, HELLO, ACK = (
    0,
    1,
    2,
    3,
    6,
    7,
    8,
    9,
    10,
    11,
)
HEARTBEAT_INTERVAL_MS = 41_250
ACK_AFTER_S = 0.02
"""As over a network. Before an answer at once, discord.py has not yet noted when it asked, and warns of a slow one."""
REPLAY_MAX = 1_000
"""Events kept for a resume; a client that missed more starts anew."""
RESUME_WINDOW_S = 90.0
INTENTS: dict[str, tuple[int, int]] = {
    "MESSAGE_CREATE": (1 << 9, 1 << 12),
    "MESSAGE_UPDATE": (1 << 9, 1 << 12),
    "MESSAGE_DELETE": (1 << 9, 1 << 12),
    "GUILD_MEMBER_ADD": (1 << 1, 0),
    "GUILD_MEMBER_UPDATE": (1 << 1, 0),
    "GUILD_MEMBER_REMOVE": (1 << 1, 0),
    **{
        event: (1 << 0, 0)
        for thing in ("GUILD", "GUILD_ROLE", "CHANNEL", "THREAD")
        for event in (f"{thing}_CREATE", f"{thing}_UPDATE", f"{thing}_DELETE")
    },
}
"""The intent that each event needs, in a guild and in direct messages; others always come."""
MESSAGE_CONTENT = 1 << 15


class Compressor(Protocol):
    """A stream shared by all messages of one connection."""

    def pack(self, data: bytes) -> bytes:
        """The next compressed message."""


class ZlibStream:
    """`compress=zlib-stream`: one deflate context, each message ended by a sync flush."""

    def __init__(self) -> None:
        self._context = zlib.compressobj()

    def pack(self, data: bytes) -> bytes:
        """The next compressed message, ending in 00 00 FF FF."""
        return self._context.compress(data) + self._context.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """`compress=zstd-stream`: one zstandard frame, flushed after each message."""

    def __init__(self) -> None:
        self._context = zstandard.ZstdCompressor().compressobj()

    def pack(self, data: bytes) -> bytes:
        """The next compressed message."""
        return self._context.compress(data) + self._context.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


STREAMS: dict[str, type[ZlibStream] | type[ZstdStream]] = {"zlib-stream": ZlibStream, "zstd-stream": ZstdStream}


class Connection:
    """One websocket; messages go out in order through a queue."""

    def __init__(self, socket: web.WebSocketResponse, compressor: Compressor | None) -> None:
        self.socket = socket
        self._compressor = compressor
        self._queue: asyncio.Queue[Json] = asyncio.Queue()
        self.session: Session | None = None
        self.was_cut = False

    def put(self, frame: Json) -> None:
        """Queue a frame."""
        self._queue.put_nowait(frame)

    async def pump(self) -> None:
        """Send queued frames until cancelled or the socket is gone."""
        while not self.socket.closed:
            data = orjson.dumps(await self._queue.get())
            try:
                if self._compressor is not None:
                    await self.socket.send_bytes(self._compressor.pack(data))
                else:
                    await self.socket.send_str(data.decode())
            except ConnectionError:
                return


class Session:
    """An identified client; survives its connection for a while so that it can be resumed."""

    def __init__(self, intents: int, shard: tuple[int, int]) -> None:
        self.id = secrets.token_hex(16)
        self.intents = intents
        self.shard = shard
        self.sequence = 0
        self.sent: deque[Json] = deque(maxlen=REPLAY_MAX)
        self.connection: Connection | None = None
        self.left_at: float | None = None

    def feed(self, event: str, payload: Json) -> None:
        """Give the session an event, now or at its resume."""
        self.sequence += 1
        frame: Json = {"op": DISPATCH, "t": event, "s": self.sequence, "d": payload}
        self.sent.append(frame)
        if self.connection is not None:
            self.connection.put(frame)

    def wants(self, event: str, guild_id: int | None) -> bool:
        """Whether intents and shard let this event through; direct messages go to shard 0."""
        index, count = self.shard
        if (0 if guild_id is None else (guild_id >> 22) % count) != index:
            return False
        intents = INTENTS.get(event)
        return intents is None or bool(self.intents & intents[0 if guild_id is not None else 1])

    def can_replay(self, sequence: int) -> bool:
        """Whether all events after `sequence` are still kept and the session has not lapsed."""
        if self.left_at is not None and time.monotonic() - self.left_at > RESUME_WINDOW_S:
            return False
        return self.sequence - len(self.sent) <= sequence <= self.sequence


class Gateway:
    """All sessions, fed by the world's events."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sessions: dict[str, Session] = {}
        self._connections: set[Connection] = set()
        self.url = ""
        self.resumes = 0
        self.identifies = 0
        world.listeners.append(self._dispatch)

    @property
    def connected(self) -> bool:
        """Whether a session is identified and its socket open."""
        return any(session.connection is not None for session in self._sessions.values())

    def _dispatch(self, event: str, payload: Json, guild_id: int | None) -> None:
        for session in list(self._sessions.values()):
            if session.wants(event, guild_id) or (event == "GUILD_MEMBER_UPDATE" and self._is_own(payload)):
                session.feed(event, self._censored(session, event, payload, guild_id))
            if session.connection is None and not session.can_replay(session.sequence):
                del self._sessions[session.id]

    def _is_own(self, payload: Json) -> bool:
        """Changes of the bot's own membership come without the members intent (events/gateway)."""
        return bool(payload["user"]["id"] == str(self._world.bot.id))

    def _censored(self, session: Session, event: str, payload: Json, guild_id: int | None) -> Json:
        """Without the Message Content intent, others' guild messages come without content."""
        own = payload.get("author", {}).get("id") == str(self._world.bot.id)
        is_message = event in ("MESSAGE_CREATE", "MESSAGE_UPDATE")
        if not is_message or own or guild_id is None or session.intents & MESSAGE_CONTENT:
            return payload
        return {**payload, "content": "", "embeds": [], "attachments": [], "components": []}

    async def drop(self, code: int, *, resumable: bool) -> None:
        """Close every connection with `code`; without `resumable` the sessions are forgotten too."""
        if not resumable:
            self._sessions.clear()
        for connection in list(self._connections):
            connection.was_cut = True
            await connection.socket.close(code=code)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client until it leaves."""
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        stream = STREAMS.get(request.query.get("compress", ""))
        connection = Connection(socket, stream() if stream is not None else None)
        self._connections.add(connection)
        connection.put(_frame(HELLO, {"heartbeat_interval": HEARTBEAT_INTERVAL_MS}))
        pump = asyncio.create_task(connection.pump())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._receive(connection, orjson.loads(message.data))
        finally:
            pump.cancel()
            self._leave(connection)
        return socket

    def _leave(self, connection: Connection) -> None:
        self._connections.discard(connection)
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection = None
            session.left_at = time.monotonic()
            left_for_good = connection.socket.close_code in (1000, 1001)
            if left_for_good and not connection.was_cut:
                self._sessions.pop(session.id, None)
        self._world.touch()

    async def _receive(self, connection: Connection, frame: Json) -> None:
        operation, data = frame.get("op"), frame.get("d")
        if operation == HEARTBEAT:
            await asyncio.sleep(ACK_AFTER_S)
            connection.put(_frame(ACK, None))
        elif operation == IDENTIFY:
            await self._identify(connection, data or {})
        elif operation == RESUME:
            await self._resume(connection, data or {})
        elif connection.session is None:
            await connection.socket.close(code=4003, message=b"Not authenticated.")
        elif operation == MEMBERS:
            self._send_members(connection.session, data or {})
        elif operation not in (PRESENCE, 4):
            await connection.socket.close(code=4001, message=b"Unknown opcode.")

    async def _identify(self, connection: Connection, data: Json) -> None:
        if connection.session is not None:
            await connection.socket.close(code=4005, message=b"Already authenticated.")
            return
        if data.get("token") not in (bot_token(), f"Bot {bot_token()}"):
            await connection.socket.close(code=4004, message=b"Authentication failed.")
            return
        index, count = data.get("shard") or (0, 1)
        session = Session(int(data.get("intents", 0)), (index, count))
        self._join(connection, session)
        self.identifies += 1
        world = self._world
        own = [guild for guild in world.joined if (guild.id >> 22) % count == index]
        ready: Json = {
            "v": 10,
            "user": payloads.own_user(world.bot),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in own],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": [index, count],
            "application": {"id": str(world.application_id), "flags": 0},
            "session_type": "normal",
            "private_channels": [],
            "relationships": [],
            "presences": [],
        }
        session.feed("READY", ready)
        for guild in own:
            session.feed("GUILD_CREATE", {**payloads.guild_create(world, guild), "unavailable": False})
        world.touch()

    async def _resume(self, connection: Connection, data: Json) -> None:
        session = self._sessions.get(str(data.get("session_id")))
        sequence = int(data.get("seq") or 0)
        if data.get("token") not in (bot_token(), f"Bot {bot_token()}"):
            await connection.socket.close(code=4004, message=b"Authentication failed.")
        elif session is None or not session.can_replay(sequence):
            connection.put(_frame(INVALID, False))
        else:
            self.resumes += 1
            missed = [frame for frame in session.sent if frame["s"] > sequence]
            for frame in missed:
                connection.put(frame)
            self._join(connection, session)
            session.feed("RESUMED", {})
            self._world.touch()

    def _join(self, connection: Connection, session: Session) -> None:
        connection.session = session
        session.connection = connection
        session.left_at = None
        self._sessions[session.id] = session

    def _send_members(self, session: Session, data: Json) -> None:
        """Answer a member request by id; without the members intent Discord has no more to give."""
        world = self._world
        guild = world.guilds.get(int(data.get("guild_id") or 0))
        if guild is None or not world.is_joined(guild.id):
            return
        wanted: Any = data.get("user_ids") or []
        ids = [int(user_id) for user_id in (wanted if isinstance(wanted, list) else [wanted])]
        members = [payloads.member(world, guild.members[i]) for i in ids if i in guild.members]
        chunk: Json = {
            "guild_id": str(guild.id),
            "members": members,
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [str(i) for i in ids if i not in guild.members],
        }
        if "nonce" in data:
            chunk["nonce"] = data["nonce"]
        session.feed("GUILD_MEMBERS_CHUNK", chunk)


def _frame(operation: int, data: Any) -> Json:
    return {"op": operation, "d": data, "s": None, "t": None}
