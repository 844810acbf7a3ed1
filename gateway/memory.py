"""How the garbage collector treats what a generation of declarations holds.

Schemas, plans, WSDLs and maps are some hundred thousand objects that live as long as their generation; a full
collection walks all of them and stops every request for a tenth of a second (measured with 120 systems).
"""

from __future__ import annotations

import gc
from typing import Final

__all__ = ["settle"]

YOUNG: Final = 20_000
"""New objects before a young collection: one answer over 120 systems makes about ten thousand, nearly all of which
go by counting alone."""


def settle() -> None:
    """Clears up once, then leaves all that lives now out of later collections. Called for each new generation, whose
    predecessor is then let go."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
