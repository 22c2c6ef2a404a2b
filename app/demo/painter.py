"""What a process that draws views does: of the box office only the way photos are developed is loaded into it."""

from __future__ import annotations

import io

from app.catalog.photos import Photo, develop_now
from app.demo.stage_pictures import draw_view
from seating.theatre import italian_theatre


def paint(ordinal: int) -> Photo:
    """The view from a seat of the theatre, developed as an upload is."""
    file = io.BytesIO()
    draw_view(italian_theatre(), ordinal).save(file, "JPEG", quality=92)
    return develop_now(file.getvalue())
