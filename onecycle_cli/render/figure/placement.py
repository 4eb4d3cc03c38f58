"""Words beside curves: placed clear of every curve, of each other, and of the thin lines that lead to them.

All lengths are inches, counted from the figure's lower left corner.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from onecycle_cli.render.figure.labels import Box, Leader, Words, line_height

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.figure.layout import Ground, Page

CELL = 0.02
"""The size of the squares that are free or taken."""

GAP = 0.05
"""Between a point and its words."""

CLEAR = 0.02
"""The least distance of words from a curve, from other words and from the panel's edge."""

RINGS = 8
"""How often words look for a place farther off, half a line each time; beyond that it is unclear what they name."""

FAR = 0.2
"""The distance between a point and its words from which a thin line connects them."""

PLACES = 24
"""Points along a curve beside which its name may be."""

APART = 0.05
"""How far a point has to be from other curves for it to be clear whose name is beside it."""

TOGETHER = 0.03
"""Curves that are nowhere farther apart than this look like one, and have their names below each other."""

IN_THE_WAY = 0.6
"""What it costs, in inches of distance, to be above a point that waits for its words."""

MOST_TRIED = 40
"""The best places for which the line that leads there is looked at."""

Trace = tuple["FloatArray", "FloatArray"]
"""A curve on the page: its points, from left to right."""


@dataclass(frozen=True, slots=True)
class Item:
    """Words that want a place: lines with their inks, beside one of some points, the first of them best."""

    lines: tuple[tuple[str, Any], ...]
    points: tuple[tuple[float, float], ...]
    colour: Any
    own: tuple[Trace, ...] = ()


class Grid:
    """A panel as small squares, each free or taken."""

    def __init__(self, area: Box) -> None:
        """Make a grid of free squares."""
        self._area = area
        columns, rows = (max(1, math.ceil(size / CELL)) for size in (area.width, area.top - area.bottom))
        self._taken = np.zeros((columns, rows), np.bool_)
        self._sums: NDArray[np.int32] | None = None

    def copy(self) -> Grid:
        """Return a grid with the same squares taken."""
        other = Grid(self._area)
        other._taken[:] = self._taken
        return other

    def take_curve(self, trace: Trace) -> None:
        """Take the squares that a curve runs through; it is connected, so its range in each column decides."""
        x, y = trace
        if not len(x):
            return
        columns, rows = self._taken.shape
        edges = self._area.left + CELL * np.arange(columns + 1)
        inside = (edges >= x[0]) & (edges <= x[-1])
        heights = np.interp(edges, x, y)
        low, high = np.full(columns, np.inf), np.full(columns, -np.inf)
        for ends in (slice(0, columns), slice(1, columns + 1)):
            known = inside[ends]
            low[known] = np.minimum(low[known], heights[ends][known])
            high[known] = np.maximum(high[known], heights[ends][known])
        at = np.clip(((x - self._area.left) / CELL).astype(np.int64), 0, columns - 1)
        np.minimum.at(low, at, y)
        np.maximum.at(high, at, y)
        used = np.flatnonzero(np.isfinite(low))
        first = np.clip((low[used] - self._area.bottom) / CELL, 0, rows - 1).astype(np.int64)
        last = np.clip((high[used] - self._area.bottom) / CELL, 0, rows - 1).astype(np.int64)
        numbers = np.arange(rows)
        self._taken[used] |= (first[:, None] <= numbers) & (numbers <= last[:, None])
        self._sums = None

    def take_box(self, box: Box) -> None:
        """Take the squares of a box."""
        left, bottom, right, top = self._cells(np.array([[box.left, box.bottom, box.right, box.top]]))[0]
        self._taken[left:right, bottom:top] = True
        self._sums = None

    def free(self, boxes: FloatArray) -> NDArray[np.bool_]:
        """Return which boxes (left, bottom, right, top) lie inside and have no taken square in or near them."""
        if self._sums is None:
            columns, rows = self._taken.shape
            self._sums = np.zeros((columns + 1, rows + 1), np.int32)
            self._sums[1:, 1:] = self._taken.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
        area = self._area
        inside = (boxes[:, 0] >= area.left + CLEAR) & (boxes[:, 2] <= area.right - CLEAR)
        inside &= (boxes[:, 1] >= area.bottom + CLEAR) & (boxes[:, 3] <= area.top - CLEAR)
        left, bottom, right, top = self._cells(boxes + np.array([-CLEAR, -CLEAR, CLEAR, CLEAR])).T
        sums = self._sums
        taken = sums[right, top] - sums[left, top] - sums[right, bottom] + sums[left, bottom]
        found: NDArray[np.bool_] = inside & (taken == 0)
        return found

    def _cells(self, boxes: FloatArray) -> NDArray[np.int64]:
        origin = np.array([self._area.left, self._area.bottom] * 2)
        places = (boxes - origin) / CELL
        whole = np.concatenate([np.floor(places[:, :2]), np.ceil(places[:, 2:])], 1).astype(np.int64)
        columns, rows = self._taken.shape
        found: NDArray[np.int64] = np.clip(whole, 0, np.array([columns, rows] * 2))
        return found


@dataclass(frozen=True, slots=True)
class Seats:
    """All places for one item: boxes, the points they belong to, and what each costs before any word is placed."""

    item: Item
    boxes: FloatArray
    points: FloatArray
    near: FloatArray
    distance: FloatArray
    cost: FloatArray
    others: tuple[Trace, ...]


class Placement:
    """The places for words beside the curves of one panel."""

    def __init__(
        self, page: Page, ground: Ground, items: Sequence[Item], curves: Sequence[Trace], taken: Sequence[Box]
    ) -> None:
        """Find all places that the words could have.

        Args:
            page: the page, for the size of words.
            ground: the panel.
            items: what to write.
            curves: everything that is drawn in the panel.
            taken: where words are already.
        """
        self._row = line_height(page.small)
        self._taken = list(taken)
        self._ruler, self._points = page.ruler, page.small
        self._grid = Grid(ground.box)
        for curve in curves:
            self._grid.take_curve(curve)
        for box in taken:
            self._grid.take_box(box)
        coarse = {id(curve[0]): _coarse(curve) for curve in curves}
        self._seats = []
        for item in items:
            own = {id(trace[0]) for trace in item.own}
            others = tuple(curve for curve in curves if id(curve[0]) not in own)
            self._seats.append(self._places(item, others, [coarse[id(curve[0])] for curve in others]))

    def place(self, order: Sequence[int]) -> tuple[list[Words], list[Leader], list[int]]:
        """Place items in an order, each where there is room for it, connected to its point where that is far.

        Returns:
            The words, the lines that lead to them, and the numbers of the items for which there was no place.
        """
        grid, boxes = self._grid.copy(), list(self._taken)
        words, leaders, failed = list[Words](), list[Leader](), list[int]()
        for at, number in enumerate(order):
            seats = self._seats[number]
            waiting = [self._seats[later].item.points[0] for later in order[at + 1 :]]
            found = self._best(seats, grid, boxes, waiting)
            if found is None:
                failed.append(number)
                continue
            box, leader = found
            for line, (text, ink) in enumerate(seats.item.lines):
                top = box.top - line * self._row
                right = box.left + self._ruler.width(text, self._points)
                words.append(Words(Box(box.left, top - self._row, right, top), text, ink))
            boxes.append(box)
            grid.take_box(box)
            if leader is not None:
                leaders.append(leader)
                (x0, y0), (x1, y1) = sorted((leader.start, leader.end))
                grid.take_curve((np.linspace(x0, x1, 20), np.linspace(y0, y1, 20)))
        return words, leaders, failed

    def _places(self, item: Item, others: tuple[Trace, ...], coarse: Sequence[Trace]) -> Seats:
        widths = [self._ruler.width(text, self._points) for text, _ in item.lines]
        points = np.array(item.points)
        extra = np.zeros(len(points))
        if len(points) > 1 and coarse:
            x, y = (np.concatenate([trace[side] for trace in coarse]) for side in (0, 1))
            away = np.hypot(points[:, :1] - x, points[:, 1:] - y).min(1)
            # A name is beside its curve's peak unless it is much clearer elsewhere what it names.
            extra = np.where(np.arange(len(points)) == 0, 0.0, 0.12) + 0.4 * np.maximum(0.0, 0.25 - away)
            away[0] = APART  # a dot marks it
            points, extra = points[away >= APART], extra[away >= APART]
        around = _around((max(widths), self._row * len(widths)), self._row)
        each = len(around)
        spots = np.repeat(points, each, axis=0)
        boxes = np.tile(around, (len(points), 1)) + np.tile(spots, 2)
        near = np.clip(spots, boxes[:, :2], boxes[:, 2:])
        distance = np.hypot(*(near - spots).T)
        cost = distance + np.where(distance > FAR, 0.15, 0.0) + np.repeat(extra, each)
        cost += np.tile(np.arange(each) * 1e-4, len(points))  # earlier places are better, all else equal
        return Seats(item, boxes, spots, near, distance, cost, others)

    def _best(
        self, seats: Seats, grid: Grid, taken: Sequence[Box], waiting: Sequence[tuple[float, float]]
    ) -> tuple[Box, Leader | None] | None:
        """Return the best free place, and the line that leads there from its point, if it is far.

        Places above points as high as this one that still wait for their words are worse.
        """
        usable = np.flatnonzero(grid.free(seats.boxes))
        boxes, cost = seats.boxes[usable], seats.cost[usable]
        own = seats.item.points[0][1]
        for x, y in waiting:
            above = (boxes[:, 0] - CLEAR <= x) & (x <= boxes[:, 2] + CLEAR) & (boxes[:, 1] >= y)
            cost = cost + np.where(above & (abs(own - y) < APART), IN_THE_WAY, 0.0)
        tried = usable[np.argsort(cost, kind="stable")[:MOST_TRIED]]
        crossing = _crossing(seats.points[tried], seats.near[tried], seats.others)
        for at, crosses in zip(tried, crossing, strict=True):
            if crosses:
                continue
            box = Box(*map(float, seats.boxes[at]))
            if seats.distance[at] <= FAR:
                return box, None
            (x0, y0), (x1, y1) = map(float, seats.points[at]), map(float, seats.near[at])
            if not any(_enters((x0, y0), (x1, y1), other) for other in taken):
                return box, Leader((x0, y0), (x1, y1), seats.item.colour)
        return None


def _around(size: tuple[float, float], row: float) -> FloatArray:
    """Return places around the point (0, 0), near ones first: above it, beside it, below it."""
    width, height = size
    found = []
    for ring in range(RINGS):
        gap = GAP + ring * row / 2
        shifted = [-width * part for part in (0.5, 0.2, 0.8, 0, 1)]
        beside = [gap, -gap - width]
        spots = [(left, gap) for left in shifted]
        spots += [(left, -height / 2) for left in beside]
        spots += [(left, -gap - height) for left in shifted]
        spots += [(left, bottom) for left in beside for bottom in (gap, -gap - height)]
        found += [(left, bottom, left + width, bottom + height) for left, bottom in spots]
    return np.array(found)


def _coarse(trace: Trace) -> Trace:
    """Return a curve by fewer of its points."""
    stride = max(1, len(trace[0]) // 200)
    return trace[0][::stride], trace[1][::stride]


def _crossing(starts: FloatArray, ends: FloatArray, others: Sequence[Trace]) -> NDArray[np.bool_]:
    """Return which lines run through a curve."""
    along = np.linspace(0.0, 1.0, 12)
    x = starts[:, :1] + (ends - starts)[:, :1] * along
    y = starts[:, 1:] + (ends - starts)[:, 1:] * along
    found = np.zeros(len(starts), np.bool_)
    for trace in others:
        known = (trace[0][0] <= x) & (x <= trace[0][-1])
        side = np.sign(y - np.interp(x, *trace))
        found |= ((side[:, 1:] != side[:, :-1]) & known[:, 1:] & known[:, :-1]).any(1)
    return found


def _enters(start: tuple[float, float], end: tuple[float, float], box: Box) -> bool:
    """Return whether a line runs through a box, or close to it."""
    x, y = np.linspace(start[0], end[0], 24), np.linspace(start[1], end[1], 24)
    near = box.within(-CLEAR)
    return bool(((near.left <= x) & (x <= near.right) & (near.bottom <= y) & (y <= near.top)).any())


def anchors(traces: Sequence[Trace], first: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """Return points along a curve beside which its name may be: one given, and others evenly spread."""
    x = np.concatenate([trace[0] for trace in traces])
    y = np.concatenate([trace[1] for trace in traces])
    even = np.linspace(x[0], x[-1], PLACES + 2)[1:-1]
    heights = np.interp(even, x, y)
    return (first, *((float(a), float(b)) for a, b in zip(even, heights, strict=True)))


def look_alike(one: Sequence[Trace], other: Sequence[Trace]) -> bool:
    """Return whether two curves are so near each other everywhere that they look like one."""
    (x1, y1), (x2, y2) = (
        (np.concatenate([t[0] for t in each]), np.concatenate([t[1] for t in each])) for each in (one, other)
    )
    if abs(x1[0] - x2[0]) > TOGETHER or abs(x1[-1] - x2[-1]) > TOGETHER:
        return False
    x = np.linspace(max(x1[0], x2[0]), min(x1[-1], x2[-1]), 100)
    return bool(np.abs(np.interp(x, x1, y1) - np.interp(x, x2, y2)).max() <= TOGETHER)
