"""The map on a visitor's page: what it says of its seats to everybody, and a finger or a mouse on them."""

from __future__ import annotations

import re
from typing import Literal

from playwright.async_api import expect

from tests.browser.visitor import Visitor

Shown = Literal["free", "taken", "mine"]
COUNTDOWN = re.compile(r"\d+:\d\d")

EYES = """
window.eyes = {
  get map() { return document.querySelector("seat-map"); },
  state(seat) { const { hall } = this.map; return hall.mine[seat] ? "mine" : hall.states[seat] ? "taken" : "free"; },
  allAre(seats, state) { return seats.every((seat) => this.state(seat) === state); },
  mine() { const { mine } = this.map.hall; return Array.from(mine.keys()).filter((seat) => mine[seat]); },
  asked(seat) { const { hall } = this.map; return Boolean(hall.mine[seat] || hall.waiting[seat]); },
  // Neighbours in a row that are all free, as [[seat, …], …].
  runs(n) {
    const { hall } = this.map, free = (seat) => hall.isFree(seat) && hall.kind[seat] === 0;
    return hall.rows.flatMap(({ seats }) => seats.map((_, i) => seats.slice(i, i + n)))
      .filter((run) => run.length === n && run.every(free));
  },
  areNeighbours(seats) {
    const sorted = [...seats].sort((a, b) => a - b), { rows } = this.map.hall;
    return rows.some(({ seats: row }) => sorted.every((seat, i) => row[row.indexOf(sorted[0]) + i] === seat));
  },
  place(seat) {
    const [x, y] = this.map.stage.place(seat), { left, top } = this.map.querySelector("canvas").getBoundingClientRect();
    return [left + x, top + y];
  },
  // Until no camera is on its way: a seat's place is the same in several frames that follow one another.
  async stands() {
    const frame = () => new Promise(requestAnimationFrame), where = () => JSON.stringify(this.place(0));
    for (let still = 0, was = where(); still < 3;) {
      await frame(); await frame();
      const is = where();
      still = is === was ? still + 1 : 0;
      was = is;
    }
  },
};
"""


class SeatMapView:
    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.page = visitor.page

    async def opens(self, performance: int) -> None:
        await self.watches()
        await self.visitor.goes_to(f"/p/{performance}")
        await self.is_ready()

    async def watches(self) -> None:
        """For pages to come, wherever they are opened from."""
        await self.page.add_init_script(EYES)

    async def is_ready(self) -> None:
        """Loaded, and following the live feed."""
        await expect(self.page.locator("#map:not([data-loading])")).to_be_visible()
        await self.is_live()

    async def is_live(self) -> None:
        await expect(self.page.locator("#pulse")).to_have_attribute("data-state", "live")

    async def shows(self, state: Shown, *seats: int) -> None:
        """Waits until all of these are drawn so."""
        await self.page.wait_for_function("([seats, state]) => eyes.allAre(seats, state)", arg=[list(seats), state])

    async def can_take(self, seat: int) -> None:
        """Waits until this visitor may have it: it is free, or kept for them."""
        await self.page.wait_for_function("(seat) => eyes.map.hall.isFree(seat) && !eyes.asked(seat)", arg=seat)

    async def cannot_take(self, seat: int) -> None:
        await self.page.wait_for_function("(seat) => !eyes.map.hall.isFree(seat)", arg=seat)

    async def shows_mine(self, count: int) -> list[int]:
        """Waits until so many seats are the visitor's own, and returns them."""
        await self.page.wait_for_function("(n) => eyes.mine().length === n", arg=count)
        return await self.mine()

    async def state_of(self, seat: int) -> Shown:
        found: Shown = await self.page.evaluate("(seat) => eyes.state(seat)", seat)
        return found

    async def mine(self) -> list[int]:
        found: list[int] = await self.page.evaluate("() => eyes.mine()")
        return found

    async def free_run(self, count: int, *, skip: int = 0) -> list[int]:
        """So many free neighbours in a row; `skip` passes over that many choices, for tests that share a house."""
        found: list[list[int]] = await self.page.evaluate("(n) => eyes.runs(n)", count)
        return found[skip * count]

    async def are_neighbours(self, seats: list[int]) -> bool:
        found: bool = await self.page.evaluate("(seats) => eyes.areNeighbours(seats)", seats)
        return found

    async def name_of(self, seat: int) -> str:
        found: str = await self.page.evaluate("(seat) => eyes.map.nameOf(seat)", seat)
        return found

    async def taps(self, seat: int) -> None:
        """Where the seat is drawn, first to come closer where seats are too small to hit, until it is asked for."""
        for _ in range(5):
            await self.points_at(seat)
            await self.page.evaluate("() => eyes.stands()")
            if await self.page.evaluate("(seat) => eyes.asked(seat)", seat):
                return
        raise AssertionError(f"the seat {await self.name_of(seat)} cannot be hit")

    async def comes_close_to(self, seat: int) -> None:
        """As somebody does who looks before they tap."""
        await self.page.evaluate("(seat) => eyes.map.show([seat])", seat)
        await self.page.evaluate("() => eyes.stands()")

    async def points_at(self, seat: int) -> None:
        """One tap of a finger, or one click, on the middle of a seat."""
        await self.page.evaluate("() => eyes.stands()")
        x, y = await self.page.evaluate("(seat) => eyes.place(seat)", seat)
        if await self.page.evaluate("() => navigator.maxTouchPoints > 0"):
            await self.page.touchscreen.tap(x, y)
        else:
            await self.page.mouse.click(x, y)
