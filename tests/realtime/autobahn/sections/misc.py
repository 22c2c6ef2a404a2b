"""10 Miscellaneous: one long message that its sender has cut up by itself."""

from __future__ import annotations

from tests.realtime.autobahn.case import Case
from tests.realtime.autobahn.sections._tables import at_once, echo, last, more, text

TITLE = "Auto-Fragmentation"

_WHOLE = b"*" * 65_536
_SIZE = 1_300
_PARTS = [_WHOLE[start : start + _SIZE] for start in range(0, len(_WHOLE), _SIZE)]

CASES = (
    Case(
        "10.1.1",
        f"{len(_WHOLE)} bytes in fragments of {_SIZE}",
        at_once(text(_PARTS[0], fin=False), *map(more, _PARTS[1:-1]), last(_PARTS[-1])),
        ok=(echo(_WHOLE),),
    ),
)
