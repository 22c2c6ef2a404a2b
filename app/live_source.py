"""Where the live feed's truth comes from: seats from the inventory in Redis, photos of their views from the ledger."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from realtime import messages
from realtime.bus import RedisBus
from realtime.messages import Change, Holder, Message, Picture, decode_change
from realtime.rooms import Deliver, Hint, SourceUnavailable, TopicMissing, Unsubscribe
from seating.store import GroupMissing, Inventory, StoreUnavailable, channel

log = logging.getLogger("placeur.feed")


@dataclass(frozen=True, slots=True)
class SeatViewWiring:
    """Photos of the view from seats (LIVE-5)."""

    version_of: Callable[[int], Awaitable[str]]
    """A performance → the version of its photos now; "" when there are none. Raises SourceUnavailable."""
    channel_of: Callable[[int], str]
    """A performance → where it is said that they have changed."""


class InventorySource:
    """A `realtime` Source over the seat inventory; a topic is a performance id in decimal."""

    def __init__(
        self,
        inventory: Inventory,
        bus: RedisBus,
        *,
        group_of: Callable[[int], Awaitable[str | None]],
        rebuild: Callable[[str], Awaitable[None]],
        public_quotas: Callable[[int], Awaitable[frozenset[str]]],
        seat_view: SeatViewWiring | None = None,
    ) -> None:
        """What is asked of the rest of the box office is described in `app.live.LiveWiring`."""
        self._inventory = inventory
        self._bus = bus
        self._group_of = group_of
        self._rebuild = rebuild
        self._public_quotas = public_quotas
        self._seat_view = seat_view
        self._groups: dict[str, str] = {}

    async def snapshot(self, topic: str) -> Picture:
        group = await self._group(topic)
        public = await self._public_quotas(int(topic))
        try:
            seen = await self._inventory.snapshot(group, int(topic))
        except GroupMissing as missing:
            raise TopicMissing(topic) from missing
        except StoreUnavailable as problem:
            raise SourceUnavailable(str(problem)) from problem
        return Picture(
            epoch=seen.epoch,
            version=seen.version,
            states=seen.states,
            holders={
                ordinal: Holder(owner.kind, owner.label, owner.cart_ref, owner.expires_at_ms)
                for ordinal, owner in seen.owners.items()
                if owner.kind  # a seat that is sold has an owner, but nobody holds it
            },
            quotas={name: (used, -1 if limit is None else limit) for name, (used, limit) in seen.quotas.items()},
            server_ms=seen.server_time_ms,
            public_quotas=public,
        )

    async def changes_since(self, topic: str, epoch: str, version: int) -> list[Change] | None:
        group = await self._group(topic)
        try:
            raw = await self._inventory.changes_since(group, int(topic), epoch, version)
        except GroupMissing:
            return None
        except StoreUnavailable as problem:
            raise SourceUnavailable(str(problem)) from problem
        return None if raw is None else [decode_change(each) for each in raw]

    async def head(self, topic: str) -> tuple[str, int] | None:
        group = await self._group(topic)
        try:
            return await self._inventory.head(group, int(topic))
        except GroupMissing:
            return None
        except StoreUnavailable as problem:
            raise SourceUnavailable(str(problem)) from problem

    async def retained(self, topic: str) -> dict[str, Message]:
        if (photos := self._seat_view) is None:
            return {}
        return {"seat_view": messages.seat_view(await photos.version_of(int(topic)))}

    async def subscribe(self, topic: str, deliver: Deliver) -> Unsubscribe:
        def hear(raw: bytes | None) -> None:
            try:
                deliver(None if raw is None else decode_change(raw))
            except msgspec.DecodeError as problem:
                log.error("feed %s: a publication that is no change: %s", topic, problem)
                deliver(None)

        ends = [await self._bus.subscribe(channel(await self._group(topic), int(topic)), hear)]
        if (photos := self._seat_view) is not None:
            # Whatever is said there, and however little of it comes through: only a reason to ask again.
            ends.append(await self._bus.subscribe(photos.channel_of(int(topic)), lambda _: deliver(Hint.RETAINED)))

        async def forget() -> None:
            self._groups.pop(topic, None)
            for unsubscribe in ends:
                await unsubscribe()

        return forget

    async def rebuild(self, topic: str) -> None:
        await self._rebuild(await self._group(topic))

    async def _group(self, topic: str) -> str:
        group = self._groups.get(topic)
        if group is None:
            group = await self._group_of(int(topic))
            if group is None:
                raise TopicMissing(topic)
            self._groups[topic] = group
        return group
