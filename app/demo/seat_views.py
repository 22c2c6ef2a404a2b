"""Photos of the view from the theatre's seats (SEA-4), drawn, since nobody has been there with a camera.

Drawing and encoding take seconds of a processor, so they are done in processes of their own while the season's tickets
are sold; what is drawn is kept through the workflow that managers' uploads take.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from app.catalog.queries import offer_of, plan_of
from app.catalog.seat_views import change_model, make_model, put_photo
from app.core.clock import now
from app.demo.painter import paint
from app.demo.stage_pictures import spread

NAME = "Théâtre du Canal, grande salle"
PHOTOS = 25
PAINTERS = 2


async def hang_views(performance: int, events: tuple[int, ...]) -> None:
    """A model with a photo for one seat in fifty of a performance's plan, shown by `events` (ids)."""
    offer = await offer_of(performance)
    plan = await plan_of(offer)
    assert plan is not None
    organizer = offer.box_office.organizer
    model = await make_model(NAME, organizer=organizer, at=now())
    ordinals = spread(plan, PHOTOS)
    loop = asyncio.get_running_loop()
    # Fresh processes: a fork would take this one's connections along.
    with ProcessPoolExecutor(PAINTERS, multiprocessing.get_context("spawn")) as painters:
        painted = [loop.run_in_executor(painters, paint, ordinal) for ordinal in ordinals]
        for ordinal, photo in zip(ordinals, painted, strict=True):
            await put_photo(model.id, plan.seats[ordinal].guid, await photo, organizer=organizer, at=now())
    await change_model(model.id, organizer=organizer, events=events)
