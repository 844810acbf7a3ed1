"""One token for all callers: opened once, renewed ahead, served until it ends, not asked for in a storm."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from adapters.auth.kept import MOST_DROPS, Kept, Opened
from adapters.traffic.errors import SourceBadData, SourceError, SourceRefused, SourceUnavailable


@dataclass
class Opener:
    """Gives tokens 1, 2, ... when `go` is set; fails with `error` if there is one."""

    life_s: float | None = 100
    opened: int = 0
    error: SourceError | None = None
    go: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    now: float = 1000.0

    async def __call__(self) -> Opened:
        self.opened += 1
        number = self.opened
        self.started.set()
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return Opened({"token": str(number)}, self.life_s)

    def kept(self, renew_before_s: float | None = None, *, ready: bool = True) -> Kept:
        if ready:
            self.go.set()
        return Kept(self, lambda: self.now, renew_before_s)


async def token(kept: Kept) -> str:
    return (await kept.get()).values["token"]


async def turns() -> None:
    """Lets what is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_fifty_callers_share_one_login() -> None:
    opener = Opener()
    kept = opener.kept(ready=False)
    callers = [asyncio.create_task(token(kept)) for _ in range(50)]
    await opener.started.wait()
    await turns()
    opener.go.set()
    assert set(await asyncio.gather(*callers)) == {"1"}
    assert opener.opened == 1


async def test_fifty_callers_share_one_failure() -> None:
    opener = Opener(error=SourceUnavailable("S"))
    kept = opener.kept()
    outcomes = await asyncio.gather(*(token(kept) for _ in range(50)), return_exceptions=True)
    assert {type(one) for one in outcomes} == {SourceUnavailable}
    assert opener.opened == 1


async def test_ahead_of_its_end_the_old_one_serves_while_one_renewal_runs_behind() -> None:
    opener = Opener()
    kept = opener.kept(renew_before_s=10)
    assert await token(kept) == "1"
    opener.now += 89
    assert await token(kept) == "1"
    opener.go.clear()
    opener.now += 2
    assert set(await asyncio.gather(*(token(kept) for _ in range(50)))) == {"1"}
    await turns()
    assert opener.opened == 2
    opener.go.set()
    await turns()
    assert await token(kept) == "2"


async def test_a_renewal_that_fails_leaves_the_old_one_until_it_ends() -> None:
    opener = Opener()
    kept = opener.kept(renew_before_s=50)
    await token(kept)
    opener.error = SourceUnavailable("S")
    opener.now += 60
    assert await token(kept) == "1"
    await turns()
    # not with every call: one failed just now
    assert await token(kept) == "1"
    await turns()
    assert opener.opened == 2
    opener.now += 40
    with pytest.raises(SourceUnavailable):
        await token(kept)
    opener.error = None
    assert await token(kept) == "4"


@pytest.mark.parametrize("error", [SourceRefused("S", "no"), SourceBadData("S", "no")])
async def test_after_a_refusal_nobody_logs_in_for_a_while(error: SourceError) -> None:
    """Accounts are locked after some wrong passwords."""
    opener = Opener(error=error)
    kept = opener.kept()
    for _ in range(10):
        with pytest.raises(type(error), match="no"):
            await token(kept)
    assert opener.opened == 1
    opener.now += 31
    opener.error = None
    assert await token(kept) == "2"


async def test_who_gives_up_leaves_the_login_to_the_others() -> None:
    opener = Opener()
    kept = opener.kept(ready=False)
    impatient = asyncio.create_task(token(kept))
    await opener.started.wait()
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    opener.go.set()
    assert await token(kept) == "1"
    assert opener.opened == 1


async def test_only_the_refused_one_is_thrown_away() -> None:
    opener = Opener(life_s=None)
    kept = opener.kept()
    first = await kept.get()
    assert kept.drop(first)
    second = await kept.get()
    assert kept.drop(first)
    assert await kept.get() is second


async def test_a_system_that_refuses_every_token_is_not_logged_in_to_with_every_call() -> None:
    opener = Opener(life_s=None)
    kept = opener.kept()
    again = [kept.drop(await kept.get()) for _ in range(20)]
    assert again == [True] * MOST_DROPS + [False] * (20 - MOST_DROPS)
    assert opener.opened == MOST_DROPS + 1
    opener.now += 61
    assert kept.drop(await kept.get())


async def test_a_life_of_nothing_serves_once() -> None:
    opener = Opener(life_s=0)
    kept = opener.kept()
    assert [await token(kept), await token(kept)] == ["1", "2"]


async def test_another_generation_goes_on_with_the_same() -> None:
    opener = Opener()
    before, after = opener.kept(), opener.kept()
    await token(before)
    after.adopt(before)
    assert await token(after) == "1"


async def test_nothing_shows_a_token() -> None:
    opener = Opener()
    kept = opener.kept()
    opener.opened = 8_472_391
    held = await kept.get()
    assert "8472392" in held.values["token"]
    assert "8472392" not in repr(kept) + repr(held)
