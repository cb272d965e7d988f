"""CloudTrail's Event history: management events of one account and region, of the last 90 days, asked for through LookupEvents.

LookupEvents answers with 50 events at most, newest first, two times a second for a whole account and region, and takes one attribute in a
call. So what is asked for decides how long it takes. Asking for everything is out of the question (a busy account makes a hundred thousand
writes a month), and so is asking for all of a neighbour such as Amazon S3 or AWS KMS, whose calls are mostly reads. Therefore:

- CloudFront and AWS WAF by EventSource, all their calls, denied ones and reads included: day by day, so that a long window shows progress
  and an interrupted one goes on at its day;
- services with few calls (neighbours.toml: lookup = "service") by EventSource too, four weeks at a time;
- of the other neighbours the calls that break or blind a distribution, each by EventName: an answer without events costs as much as one
  with 50, so what is rare is asked four weeks at a time, and what deployments do all the time (`often`) week by week, since all of a slice
  is read where the window touches it. A denied call of AWS Lambda bears the same name as one that was let through.

That is about 60 calls for an incident, half a minute, and four minutes for all 90 days. Left out: data events (keys of key-value stores,
objects), which Event history does not have, and regions other than the one asked, where more buckets may be.

Each slice, a lookup over a day or some weeks, is an object of the case: its bytes are the answers as the command line would save them, and
what was asked. Slices do not move with the window, so that one is known again. One whose end lies back far enough never changes and is not
asked for again; a newer one is, since events arrive minutes late, and takes the place of what it said before.
"""

from __future__ import annotations

import json
import queue
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from botocore import exceptions as boto
from botocore.config import Config
from botocore.parsers import ResponseParserError

from cfkit.errors import AwsError, CannotRead
from cfkit.objects import HISTORY, SPOOL_BYTES, Fetched, LogObject
from cfkit.objects.event_history_errors import HOPELESS, THROTTLED, Asked, NotWhole
from cfkit.objects.pace import Pacer
from cfkit.objects.s3.errors import refusal
from cfkit.objects.s3.session import AGENT, sessions
from cfkit.window import Window

KEPT = timedelta(days=90)
LATE = timedelta(minutes=30)
"""AWS delivers most events within five minutes and nearly all within fifteen."""
PER_SECOND = 2.0
WORKERS = 8
"""Calls under way at once: an answer of a busy region takes seconds; one after the other would use a fraction of what is allowed."""
ATTEMPTS, FIRST_ATTEMPTS = 8, 4  # of a call, and of the first one, for which somebody is waiting
PAGE = 50
DAY, WEEK = timedelta(days=1), timedelta(days=7)
_A_MONDAY = datetime(1970, 1, 5)


@dataclass(frozen=True)
class Lookup:
    """What one call asks for: EventSource or EventName, in slices of `step`."""

    attribute: str
    value: str
    step: timedelta = WEEK


@dataclass(frozen=True)
class _Slice:
    lookup: Lookup
    start: datetime
    settled: bool

    @property
    def end(self) -> datetime:
        return self.start + self.lookup.step


class EventHistory:
    """The slices that a window touches. Raises AwsError where AWS refuses, CannotRead for a window that Event history does not reach.

    `notes` says afterwards what was asked of whom, and what lies beyond Event history.
    """

    def __init__(
        self,
        lookups: Iterable[Lookup],
        profile: str | None = None,
        role_arn: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC).replace(tzinfo=None),
        pacer: Pacer | None = None,
    ) -> None:
        self.notes: tuple[str, ...] = ()
        self._lookups = tuple(lookups)
        self._profile, self._role_arn, self._endpoint_url = profile, role_arn, endpoint_url
        self._region = region or "us-east-1"
        _, self._session = sessions(profile, role_arn, self._region)
        self._now = now
        self._pacer = pacer or Pacer(PER_SECOND)
        self._made: Any = None
        self._slices: dict[str, _Slice] = {}
        self._account = "unknown-account"
        self._hopeless: BaseException | None = None

    def list(self, window: Window, distributions: tuple[str, ...] = ()) -> Iterator[LogObject]:
        """A slice for each lookup and day, or some weeks, that the window touches. Asks for one event, which tells the account."""
        now = self._now()
        first, last = max(window.start or now - KEPT, now - KEPT), min(window.end or now, now)
        if last <= first:
            raise CannotRead(self._out_of_reach(window, now))
        self._account = self._whose()
        count = 0
        for lookup in self._lookups:
            for start in _blocks(first, last, lookup.step):
                part = _Slice(lookup, start, settled=start + lookup.step + LATE <= now)
                days = "" if lookup.step == DAY else f"_{lookup.step.days}_days"
                uri = f"{HISTORY}{self._account}/{self._region}/{lookup.value}_{start:%Y-%m-%d}{days}"
                self._slices[uri] = part
                count += 1
                yield LogObject(uri, 0, f"settled:{uri}" if part.settled else None)
        self.notes = tuple(self._told(window, first, last, count, now))

    def read(self, objects: Iterable[LogObject]) -> Iterator[Fetched]:
        """The slices' answers, as they come. Failures are yielded; after one that no other call could escape the rest fail unasked."""
        todo: queue.SimpleQueue[LogObject | None] = queue.SimpleQueue()
        wanted = list(objects)
        for item in wanted:
            todo.put(item)
        done: queue.Queue[Fetched] = queue.Queue(maxsize=2 * WORKERS)
        stop = threading.Event()
        for number in range(min(WORKERS, len(wanted))):
            todo.put(None)
            threading.Thread(target=self._work, args=(todo, done, stop), name=f"cfkit-history-{number}", daemon=True).start()
        try:
            for _ in wanted:
                yield _taken(done)
        finally:
            stop.set()  # threads end after the call they are in; nobody waits for them
            while not done.empty():
                fetched = done.get_nowait()
                if fetched.file is not None:
                    fetched.file.unlink(missing_ok=True)

    def nearest(self, window: Window, distributions: tuple[str, ...] = ()) -> str | None:
        return None

    # --- what is said -----------------------------------------------------------------------------------------------------

    def _out_of_reach(self, window: Window, now: datetime) -> str:
        if window.start is not None and window.start >= now:
            return f"The window {window} begins in the future: it is {now:%Y-%m-%d %H:%M} UTC now."
        return (
            f"Event history holds 90 days, from {now - KEPT:%Y-%m-%d %H:%M} UTC on, and the window {window} ends before that. Older "
            "changes are in a trail's objects, if there was a trail: load them from its bucket (s3://BUCKET/AWSLogs/…)."
        )

    def _told(self, window: Window, first: datetime, last: datetime, count: int, now: datetime) -> Iterator[str]:
        yield (
            f"Event history of account {self._account} in {self._region}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC: "
            f"{len(self._lookups)} lookups, in {count:,} slices of a day or some weeks"
        )
        if window.start is None or window.start < now - KEPT:
            yield f"Event history holds 90 days: what was changed before {first:%Y-%m-%d} is only in a trail's objects"
        if self._region != "us-east-1":
            yield f"CloudFront records its calls in us-east-1; {self._region} holds only what its neighbours there did"

    def _asked(self) -> Asked:
        who = f"profile {self._profile!r}" if self._profile else "the default credentials"
        who = f"the role {self._role_arn}" if self._role_arn else who
        return Asked(self._region, who, self._endpoint_url or f"CloudTrail in {self._region}")

    # --- asking -----------------------------------------------------------------------------------------------------------

    def _whose(self) -> str:
        """The account, by its newest event: AWS STS would tell as well, and need one more way through a firewall."""
        try:
            events = self._call(FIRST_ATTEMPTS, MaxResults=1).get("Events", [])
            record = json.loads(events[0].get("CloudTrailEvent") or "{}") if events else {}
        except (boto.ClientError, boto.BotoCoreError, ResponseParserError, NotWhole) as error:
            raise self._asked().say(error) from error
        return str(record.get("recipientAccountId") or self._account)

    def _work(self, todo: queue.SimpleQueue[LogObject | None], done: queue.Queue[Fetched], stop: threading.Event) -> None:
        while (item := todo.get()) is not None and not stop.is_set():
            try:
                if self._hopeless is not None:
                    raise self._hopeless
                fetched = self._fetched(item, stop)
            except (boto.ClientError, boto.BotoCoreError, ResponseParserError, NotWhole) as error:
                if not isinstance(error, boto.ClientError) or refusal(error).code in HOPELESS:
                    self._hopeless = error
                fetched = Fetched(item, error=self._asked().reason(error))
            except _Stopped:
                return
            except Exception as error:
                fetched = Fetched(item, error=AwsError(f"the answers could not be kept: {error}"))
            while not stop.is_set():
                try:
                    done.put(fetched, timeout=0.2)
                    break
                except queue.Full:
                    continue

    def _fetched(self, item: LogObject, stop: threading.Event) -> Fetched:
        """All answers of one slice as one document. A page token that is not taken any more begins the slice again, once."""
        for again in (True, False):
            try:
                return _kept(item, self._document(self._slices[item.uri], stop))
            except boto.ClientError as error:
                if not again or refusal(error).code != "InvalidNextTokenException":
                    raise
        raise AssertionError("the second try returns or raises")

    def _document(self, part: _Slice, stop: threading.Event) -> Iterator[bytes]:
        """The bytes of a slice: {"Events": [...], "Lookup": {...}}. With `Lookup`, two slices without events are not the same bytes."""
        lookup, now = part.lookup, self._now()
        asked: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": lookup.attribute, "AttributeValue": lookup.value}],
            "StartTime": max(part.start, now - KEPT).replace(tzinfo=UTC),
            "EndTime": min(part.end - timedelta(seconds=1), now).replace(tzinfo=UTC),
            "MaxResults": PAGE,
        }
        separator = b'{"Events":['
        while True:
            if stop.is_set():
                raise _Stopped
            answer = self._call(ATTEMPTS, **asked)
            for event in answer.get("Events", []):
                yield separator + json.dumps(event, default=_utc, separators=(",", ":")).encode()
                separator = b",\n"
            if not answer.get("NextToken"):
                break
            asked["NextToken"] = answer["NextToken"]
        said = {
            "Account": self._account, "Region": self._region, lookup.attribute: lookup.value, "StartTime": part.start.isoformat() + "Z",
            "EndTime": part.end.isoformat() + "Z", "Settled": part.settled,
        }  # fmt: skip
        yield (separator if separator.startswith(b"{") else b"") + b'],"Lookup":' + json.dumps(said).encode() + b"}\n"

    def _call(self, attempts: int, **asked: Any) -> dict[str, Any]:
        """One answer, at its pace; tried again while the trouble may pass. Raises botocore's error."""
        for attempt in range(attempts):
            self._pacer.wait()
            try:
                answer: dict[str, Any] = self._client().lookup_events(**asked)
            except (boto.ClientError, boto.ConnectionError, boto.HTTPClientError, ResponseParserError, NotWhole) as error:
                why = refusal(error) if isinstance(error, boto.ClientError) else None
                passing = why is None or why.code in THROTTLED or why.passing
                if not passing or isinstance(error, boto.SSLError) or attempt == attempts - 1:
                    raise
                self._pacer.refused(attempt)
            else:
                self._pacer.answered()
                return answer
        raise AssertionError("every attempt returns, raises or pauses")

    def _client(self) -> Any:
        if self._made is None:
            if self._session.get_credentials() is None:
                raise boto.NoCredentialsError()
            config = Config(
                retries={"mode": "standard", "total_max_attempts": 1},  # the pacer tries again, and counts every call
                connect_timeout=10,
                read_timeout=90,  # answers of us-east-1 have been seen to take half a minute
                max_pool_connections=WORKERS,
                user_agent_extra=AGENT,
            )
            self._made = self._session.client("cloudtrail", region_name=self._region, endpoint_url=self._endpoint_url, config=config)
            self._made.meta.events.register("before-parse.cloudtrail.LookupEvents", _whole)
        return self._made


def _whole(response_dict: dict[str, Any], **_: Any) -> None:
    """Raises NotWhole for an answer that is no JSON, which botocore would take for one without events."""
    if response_dict["status_code"] == 200:
        try:
            orjson.loads(response_dict["body"])
        except ValueError:
            raise NotWhole("the answer is not whole") from None


class _Stopped(Exception):
    """Nobody wants the answer any more."""


def _blocks(first: datetime, last: datetime, step: timedelta) -> Iterator[datetime]:
    """The beginnings of the days or weeks that hold a moment of the window. Weeks begin on Mondays, the same ones whatever is asked."""
    start = first - (first - _A_MONDAY) % step
    while start < last:
        yield start
        start += step


def _kept(item: LogObject, parts: Iterator[bytes]) -> Fetched:
    """In memory, or in a file where there is much of it."""
    held: list[bytes] = []
    size = 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size > SPOOL_BYTES:
            break
    else:
        return Fetched(item, data=b"".join(held))
    with tempfile.NamedTemporaryFile(prefix="cfkit-", suffix=".json", delete=False) as spool:
        try:
            spool.writelines(held)
            spool.writelines(parts)
        except BaseException:
            Path(spool.name).unlink(missing_ok=True)
            raise
    return Fetched(item, file=Path(spool.name))


def _taken(done: queue.Queue[Fetched]) -> Fetched:
    while True:
        try:
            return done.get(timeout=1.0)  # a wait without end could not be interrupted on Windows
        except queue.Empty:
            continue


def _utc(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
