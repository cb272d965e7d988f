"""For an error message: the object closest in time to a window that has none, found with a few dozen calls however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from cfkit.objects import LogObject
from cfkit.objects.folders import Folder, units_of
from cfkit.objects.names import HOUR
from cfkit.objects.s3.keys import GROUP, Slice, hours
from cfkit.objects.s3.pages import Lists, Page
from cfkit.window import Window

GROUPS = 12
"""Distributions of one folder that are looked at: those asked for, else the last ones."""
FOLDERS = 4
"""Folders looked into on each level: those closest to the window, where they tell."""
LOOKS = 40


def nearest(lists: Lists, root: Folder, prefix: str, window: Window, distributions: tuple[str, ...]) -> str | None:
    """The name of the object whose promised time is closest to the window; of any object where no name or folder promises one.

    Of the distributions asked for where they have any.
    """
    found = list(_in_folder(lists, root, prefix, window, distributions, [LOOKS]))
    mine = [item for item in found if item.distribution in distributions] or found
    return min(mine, key=lambda item: (item.distance(window), item.name)).name if mine else None


def _in_folder(
    lists: Lists, folder: Folder, prefix: str, window: Window, distributions: tuple[str, ...], left: list[int]
) -> Iterator[LogObject]:
    left[0] -= 1
    page = lists.page(Slice(prefix), "/")
    items = [lists.object(entry) for entry in page.entries if entry["Size"] or not entry["Key"].endswith("/")]
    if page.truncated and any(item.distribution for item in items):
        yield from _in_groups(lists, prefix, window, distributions)
    else:
        yield from items
    if prefix != folder.path:
        return  # names, not folders
    for child in _closest(folder, page, window, distributions):
        if left[0] <= 0:
            return
        yield from _in_folder(lists, child, child.path, window, distributions, left)


def _closest(folder: Folder, page: Page, window: Window, distributions: tuple[str, ...]) -> list[Folder]:
    names = [beginning.removeprefix(folder.path)[:-1] for beginning in page.beginnings]
    children = [folder.child(name, units_of(names)) for name in names]
    asked = [child for child in children if child.distribution in distributions] or children

    def distance(child: Folder) -> timedelta:
        return LogObject(child.path, 0).distance(window) if child.dated else timedelta(0)

    return sorted(asked, key=lambda child: (distance(child), [-ord(c) for c in child.path]))[:FOLDERS]


def _in_groups(lists: Lists, prefix: str, window: Window, distributions: tuple[str, ...]) -> Iterator[LogObject]:
    """In a large folder of access logs: the last object before the window and the first after it, of some distributions."""
    groups = [found for text in lists.page(Slice(prefix), ".").beginnings if (found := GROUP.search(text))]
    chosen = [found for found in groups if found["distribution"] in distributions] or groups
    for found in chosen[-GROUPS:]:
        yield from _around(lists, found.string, window)


def _around(lists: Lists, group: str, window: Window) -> Iterator[LogObject]:
    def first(since: object = None) -> LogObject | None:
        after = group + f"{since:%Y-%m-%d-%H}" if since else None
        return next((item for item in lists.few(Slice(group, after), 2) if item.stretch), None)

    begin, last = hours(window)
    if last is not None and (after := first(last + HOUR)) is not None:
        yield after
    start, oldest = begin or last, first()
    if start is None or oldest is None or oldest.stretch is None or oldest.stretch[0] >= start:
        return

    def between(since: object) -> bool:
        item = first(since)
        return item is not None and item.stretch is not None and item.stretch[0] < start

    # Gallop back from the window, then halve: `low` always has an object between itself and the window, `high` never.
    high, step = start, HOUR
    low = start - step
    while low > oldest.stretch[0] and not between(low):
        high, step = low, step * 2
        low = max(start - step, oldest.stretch[0])
    while high - low > HOUR:
        middle = low + timedelta(hours=(high - low) // timedelta(hours=2))
        low, high = (middle, high) if between(middle) else (low, middle)
    yield lists.object(list(lists.keys(Slice(f"{group}{low:%Y-%m-%d-%H}")))[-1])
