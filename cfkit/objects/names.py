"""What an object's name tells before it is read: a stretch of time, and of access logs the distribution. Pure, for disks and S3 alike.

    access logs, v1 and v2   <DISTRIBUTION>.YYYY-MM-DD-HH.<unique>.gz        an hour       rows lie from an hour before to an hour after it
    (v2 also .parquet, .json)
    CloudTrail, its digests  <account>_CloudTrail_<region>_YYYYMMDDThhmmZ_…  five minutes  from an hour before to five minutes after
    AWS WAF                  <account>_waflogs_cloudfront_<web-acl>_YYYY…Z_… five minutes  from 15 minutes before to 15 after

Access logs: an object named for 07 can hold rows of 08:00:00 (aws-samples/amazon-cloudfront-access-logs-queries, issue 21), and v2 may
name by delivery. CloudTrail names by the delivery, and «a log file delivered at a specific time can contain records written at any
point before that time» (CloudTrail user guide, "CloudTrail log file examples"): on average five minutes before, at times twenty; an
hour is the kit's choice. AWS WAF publishes every five minutes. Rows are cut by time after reading, so these widths cost a few objects
read in vain and never a wrong row; an object whose name says nothing is always read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from cfkit.window import Window

DAY, HOUR, FIVE_MINUTES = timedelta(days=1), timedelta(hours=1), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Slack:
    """How far rows may lie outside the stretch of time that a name or a folder promises."""

    before: timedelta
    after: timedelta

    def widened(self, window: Window) -> tuple[datetime | None, datetime | None]:
        """What a stretch has to touch to be selected: (after this moment, before this one); None where the window is open."""
        low = None if window.start is None else _moved(window.start, -self.after)
        high = None if window.end is None else _moved(window.end, self.before)
        return low, high


ACCESS = Slack(HOUR, HOUR)
TRAIL = Slack(HOUR, FIVE_MINUTES)
WAF = Slack(timedelta(minutes=15), timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class Named:
    """What a name tells. `stem` is what comes before its date; `distribution` is None for sources that are not of one."""

    start: datetime
    end: datetime
    slack: Slack
    stem: str
    distribution: str | None = None

    def may_hold(self, window: Window, distributions: tuple[str, ...] = ()) -> bool:
        """Whether the object may hold rows of the window and the distributions. CloudTrail and AWS WAF objects are of all of them."""
        if distributions and self.distribution is not None and self.distribution not in distributions:
            return False
        return touches(self.start, self.end, *self.slack.widened(window))


EVIDENT_ID = re.compile(r"E(?=[A-Z0-9]*\d[A-Z])[A-Z0-9]{11,19}")
"""What is a distribution's id even where no date follows: 12 characters or more, letters after digits, so that EXPORT20250304 is none."""
_ACCESS = re.compile(r"(?P<stem>(?P<distribution>E[A-Z0-9]+)\.)(\d{4})-(\d\d)-(\d\d)-(\d\d)\.[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*")
_FIVE_MINUTES = re.compile(
    r"(?P<stem>\d{12}_(?:(?P<trail>CloudTrail)(?:-[A-Za-z]+)?|waflogs)_.+_)(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(?:\d\d)?Z(?:_[^_]*|\.[^_]*)"
)


@lru_cache(maxsize=4096)
def named(name: str) -> Named | None:
    """What a file name (without its folders) tells; None when it tells nothing, or no real time."""
    if (found := _ACCESS.fullmatch(name)) is not None:
        start, lasts, slack, distribution = _time(*found.groups()[2:]), HOUR, ACCESS, found["distribution"]
    elif (found := _FIVE_MINUTES.fullmatch(name)) is not None:
        start, lasts, slack, distribution = _time(*found.groups()[2:]), FIVE_MINUTES, TRAIL if found["trail"] else WAF, None
    else:
        return None
    return None if start is None else Named(start, start + lasts, slack, found["stem"], distribution)


def begins_with(name: str) -> str | None:
    """The distribution whose id a name without a date begins with, as `E1SHOPWEBEX4MPL.merged.gz` does."""
    first, dot, _ = name.partition(".")
    return first if dot and EVIDENT_ID.fullmatch(first) else None


def touches(start: datetime, end: datetime, low: datetime | None, high: datetime | None) -> bool:
    """Whether the stretch from `start` to before `end` reaches past `low` and begins before `high` (None: no bound)."""
    return (low is None or end > low) and (high is None or start < high)


def _time(*digits: str) -> datetime | None:
    try:
        found = datetime(*map(int, digits))  # type: ignore[arg-type]
    except ValueError:
        return None
    return found if found.year < 9999 else None  # the stretch must end inside the calendar


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return datetime.min if by < timedelta(0) else datetime.max
