"""Configuration history as tables of the case, made anew after each load that brought calls or an inventory.

Nothing here is evidence of its own: it can be made again from `changes` and `inventory` at any time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from cfkit.history import deliveries, posture
from cfkit.history.config import Flat, Reader, behaviors, flat
from cfkit.history.patterns import like, regex
from cfkit.history.rebuild import (
    DISTRIBUTION,
    EVENTS,
    INVENTORY,
    WHOLE,
    Call,
    Seeds,
    Version,
    call_of,
    rebuild,
    versions,
    whole_call,
)

CHUNK = 4_000

TABLES = """
create table config_versions (
    version_id integer not null,    -- those of one thing in the order of its chain
    time timestamp not null,        -- when it began, UTC; the time of the snapshot where an inventory shows it
    valid_to timestamp,             -- when the next one began, UTC; empty: it is the last that is known
    kind varchar not null,          -- distribution, cache policy, response headers policy, key group, function, web ACL ...
    thing varchar not null,         -- distribution id, else the id of the thing
    name varchar,                   -- its name
    distribution varchar,           -- distribution id, also of its log deliveries; empty for what several may use
    event varchar not null,         -- call that made it, or inventory
    event_id varchar,               -- record of that call: `changes.event_id`
    etag_before varchar,            -- ETag it took the place of
    etag_after varchar,             -- its own
    chain varchar not null,         -- ok; first: nothing is known before; gap: a change before it is not in the
                                    -- trail; fork: two calls changed one ETag
    gap_from timestamp,             -- of a gap, the last moment at which the trail still knew the thing, UTC
    config json                     -- the configuration as a flat map from path to value
);
create table config_changes (
    change_id integer not null,     -- those of one thing in the order of its chain, and of paths
    version_id integer not null,    -- `config_versions.version_id` it led to
    time timestamp not null,        -- when, UTC
    kind varchar not null,          -- as in config_versions
    thing varchar not null,         -- as in config_versions
    name varchar,                   -- as in config_versions
    distribution varchar,           -- distribution id, also of its log deliveries; empty for what several may use
    event varchar not null,         -- call, or inventory
    event_id varchar,               -- record of that call
    chain varchar not null,         -- of the version: in a gap a field was changed in it or by the call that ends it
    path varchar not null,          -- the field, as `cacheBehaviors[/api/*].viewerProtocolPolicy`
    item varchar,                   -- origin, behavior or rule that came or went as a whole with it
    behavior varchar,               -- path pattern of the behavior it is about; * is the default one
    how varchar not null,           -- added, removed, changed, moved
    before json,                    -- value before
    after json,                     -- value after
    effect varchar not null,        -- weakened, strengthened, neutral
    control varchar,                -- control of the AWS Security Hub Foundational Security Best Practices it touches
    note varchar                    -- what the field is; unclassified where the kit does not know it
);
create table config_behaviors (
    version_id integer not null,    -- the version with which they came to be so: `config_versions.version_id`
    distribution varchar not null,  -- distribution id
    time timestamp not null,        -- from when on, UTC
    valid_to timestamp,             -- until when, UTC
    precedence integer not null,    -- 1 is tried first; the default one comes last
    pattern varchar not null,       -- path pattern; * is the default one
    path_regex varchar not null,    -- the same as a regular expression for the whole path
    like_pattern varchar not null,  -- the same for `path like like_pattern escape '\\'`, which is faster
    origin varchar,                 -- id of the origin that answers
    viewer_protocol varchar,        -- allow-all, redirect-to-https or https-only
    signed boolean,                 -- whether a signature is asked for
    cache_policy varchar            -- id of the cache policy
);
create table config_posture (
    distribution varchar not null,  -- distribution id
    time timestamp not null,        -- from when on, UTC
    valid_to timestamp,             -- until when, UTC; empty: still so, as far as is known
    control varchar not null,       -- as Security Hub names it
    title varchar not null,         -- what it asks for
    verdict varchar not null,       -- pass, fail or unknown
    field varchar,                  -- field the verdict rests on
    value varchar,                  -- what it says
    event_id varchar                -- record of the call that made it so, where the trail has it
);
"""
NAMES = ("config_versions", "config_changes", "config_behaviors", "config_posture")


def fill(con: Any) -> None:
    """Makes the tables anew where calls or snapshots have come or gone since. One transaction: a reader sees all of it or nothing."""
    counts = "count(*), coalesce(max(object_id), 0), coalesce(sum(object_id), 0)"
    told = [con.execute(f"select {counts} from {table}").fetchall()[0] for table in ("changes", "inventory")]
    stamp = "/".join(str(number) for row in told for number in row)
    if con.execute("select value from meta where key = 'history'").fetchall() == [(stamp,)]:
        return
    con.execute("begin")
    try:
        for name in NAMES:
            con.execute(f"delete from {name}")
        written = _Written(con)
        for version in _versions(con):
            written.add(version)
        written.end()
        _logs_elsewhere(con)
        con.execute("delete from meta where key = 'history'")
        con.execute("insert into meta values ('history', $1)", [stamp])
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise


_SERVICES = "('cloudfront.amazonaws.com', 'wafv2.amazonaws.com')"
_OF = f"from changes where error_code is null and time is not null and event_source in {_SERVICES}"


def _versions(con: Any) -> Iterator[Version]:
    """Distribution by distribution, then everything else: of a long trail not all configurations fit in memory at once."""
    seeds, reader = _seeds(con), Reader()
    whole = f"event in ({_names(WHOLE)}) and distribution is not null"
    partly: dict[str, list[Call]] = {}
    legacy: dict[str, list[tuple[datetime, bool]]] = {}  # when legacy logs of a distribution were on or off
    rest: list[Call] = []
    for call in _calls(con, f"event in ({_names(EVENTS)}) and not ({whole})"):
        if call.kind == DISTRIBUTION:
            partly.setdefault(call.thing, []).append(call)
        else:
            rest.append(call)
    known = {thing for (thing,) in con.execute(f"select distinct distribution {_OF} and {whole}").fetchall()}
    for thing in sorted(known | partly.keys() | seeds.keys()):
        rows = con.execute(
            "select time, event, event_id, etag_before, etag_after, cast(coalesce(response -> '$.distribution.distributionConfig', "
            "request -> '$.distributionConfig', request -> '$.distributionConfigWithTags.distributionConfig') as varchar) "
            f"{_OF} and {whole} and distribution = $1",
            [thing],
        ).fetchall()
        named = ("time", "event", "event_id", "etag_before", "etag_after")
        calls = [whole_call(thing, dict(zip(named, row, strict=False)), partial(_config, reader, row[5])) for row in rows]
        for version in versions(thing, calls + partly.get(thing, []), seeds.get(thing, [])):
            on = version.config.get("logging.enabled") is True
            told = legacy.setdefault(thing, [])
            if not told or told[-1][1] != on:
                told.append((version.call.time, on))
            yield version
    rest += deliveries.calls(_delivery_rows(con), _sources(con), partial(_logged, legacy))
    yield from rebuild(rest)


def _logged(legacy: dict[str, list[tuple[datetime, bool]]], distribution: str, at: datetime) -> bool:
    """Whether it had legacy logs then; before the first version that is known, what that one says."""
    told = legacy.get(distribution) or [(at, False)]
    return next((on for time, on in reversed(told) if time <= at), told[0][1])


def _delivery_rows(con: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    rows = con.execute(
        "select time, event, event_id, distribution, cast(request as varchar), cast(response as varchar) from changes "
        f"where error_code is null and time is not null and event_source = 'logs.amazonaws.com' and event in ({_names(deliveries.EVENTS)}) "
        "order by time, event_id"
    ).fetchall()
    for time, event, event_id, distribution, *texts in rows:
        asked, answered = (parsed if isinstance(parsed := _parsed(text), dict) else {} for text in texts)
        yield {"time": time, "event": event, "event_id": event_id, "distribution": distribution}, asked, answered


def _sources(con: Any) -> dict[str, str]:
    """Of the deliveries that an inventory knows, the name of their source."""
    return dict(
        con.execute("select name, max(detail ->> 'deliverySourceName') from deliveries "
                    "where name is not null and (detail ->> 'deliverySourceName') <> '' group by name").fetchall()
    )  # fmt: skip


def _config(reader: Reader, text: str | None) -> Flat | None:
    parsed = _parsed(text)
    try:
        return reader.flat(parsed) if isinstance(parsed, dict) else None
    except (TypeError, ValueError, RecursionError):  # no configuration of the API's making
        return None


def _names(events: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in events)


def _calls(con: Any, where: str) -> Iterator[Call]:
    rows = con.execute(
        "select time, event, event_id, distribution, etag_before, etag_after, cast(request as varchar), cast(response as varchar) "
        f"{_OF} and {where} order by time, event_id"
    ).fetchall()
    for time, event, event_id, distribution, before, after, request, response in rows:
        row = {"time": time, "event": event, "event_id": event_id, "distribution": distribution, "etag_before": before, "etag_after": after}
        try:
            call = call_of(row, _parsed(request), _parsed(response))
        except (TypeError, ValueError, AttributeError, KeyError, RecursionError):  # parameters of another shape than the API's
            continue
        if call is not None:
            yield call


def _seeds(con: Any) -> Seeds:
    rows = con.execute(
        "select distribution, time, etag, cast(config as varchar) from distributions "
        "where config is not null and time is not null order by time"
    ).fetchall()
    out: Seeds = {}
    for distribution, time, etag, config in rows:
        parsed = _parsed(config)
        with contextlib.suppress(TypeError, ValueError, RecursionError):  # a saved answer that somebody edited
            if isinstance(parsed, dict):
                out.setdefault(distribution, []).append((time, etag, flat(parsed)))
    return out


def _parsed(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return orjson.loads(text)
    except ValueError:
        return None


def _logs_elsewhere(con: Any) -> None:
    """CloudFront.5 where the configuration does not say and an inventory does: from its time on. Only off in every way is a fail."""
    rows = con.execute(
        """
        with look as (
            select
                distribution, min(time) as time,
                string_agg(kind || coalesce(' to ' || destination, ''), '; ' order by kind) filter (where state = 'on') as ways,
                count(distinct kind) filter (where state = 'off') as off
            from logging_state
            where kind in ('legacy', 'v2', 'realtime') and distribution is not null
            group by distribution
        )
        select p.distribution, p.title, greatest(look.time, p.time) as time, look.ways
        from config_posture as p
        inner join look on look.distribution = p.distribution
        where p.control = 'CloudFront.5' and p.verdict = 'unknown' and p.valid_to is null and (look.ways is not null or look.off = 3)
        """
    ).fetchall()
    for distribution, title, time, ways in rows:
        told = ("pass", ways) if ways else ("fail", "legacy, v2 and real-time logs are off")
        row = {"d": distribution, "time": time}
        of = "distribution = $d and control = 'CloudFront.5' and valid_to is null"
        con.execute(f"delete from config_posture where {of} and time >= $time", row)
        con.execute(f"update config_posture set valid_to = $time where {of}", row)
        con.execute(
            "insert into config_posture values ($d, $time, null, 'CloudFront.5', $title, $verdict, 'deliveries', $value, null)",
            row | {"title": title, "verdict": told[0], "value": told[1]},
        )


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str).decode()


class _Written:
    """Versions on their way into the tables, some thousands at a time, those of a thing one after the other."""

    def __init__(self, con: Any) -> None:
        self.con = con
        self.rows: dict[str, list[Any]] = {name: [] for name in NAMES}
        self.version_id = self.change_id = 0
        self.of: tuple[str, str] | None = None  # the thing whose versions come
        self.last: list[Any] | None = None  # its last version, whose end is not known yet
        self.behaviors: list[list[Any]] = []
        self.held: dict[str, list[Any]] = {}  # control -> the verdict that holds

    def add(self, version: Version) -> None:
        call = version.call
        if self.of != (call.kind, call.thing):
            self._close(None)
            self.of = call.kind, call.thing
        elif self.last is not None:
            self.last[2] = max(call.time, self.last[1])
            self._flush_last()
        self.version_id += 1
        of_kind = (call.kind, call.thing, call.name, call.thing if call.kind == DISTRIBUTION else call.distribution)
        self.last = [
            self.version_id, call.time, None, *of_kind, call.event, call.event_id, call.etag_before, call.etag_after, version.chain,
            version.since, _json(version.config),
        ]  # fmt: skip
        for change in version.changes:
            each, said = change.difference, change.effect
            note = said.note
            if version.unsure is not None:
                note = f"{note or ''} {'(in the gap)' if call.event == INVENTORY else '(in the gap, or by this call)'}".strip()
            self.change_id += 1
            self.rows["config_changes"].append((
                self.change_id, self.version_id, call.time, *of_kind, call.event, call.event_id, version.chain, each.path, each.item,
                each.behavior, each.kind, _json(each.before), _json(each.after), said.effect, said.control, note,
            ))  # fmt: skip
        if call.kind == DISTRIBUTION:
            if call.gone:
                self._end_states(call.time)
            elif "defaultCacheBehavior.targetOriginId" in version.config and (version.changes or not self.behaviors):
                self._states(version)
        if len(self.rows["config_versions"]) >= CHUNK:
            self._flush()

    def _states(self, version: Version) -> None:
        """Behaviors and verdicts, each for as long as it stays the same."""
        call, number = version.call, self.version_id
        paths = [change.difference.path for change in version.changes]
        if not self.behaviors or any(path.startswith(("cacheBehaviors", "defaultCacheBehavior")) for path in paths):
            self._behaviors_of(version, number)
        if self.held and not any(map(posture.rests_on, paths)):
            return
        for verdict in posture.verdicts(version.config):
            told = [verdict.control, verdict.title, verdict.verdict, verdict.field, verdict.value]
            held = self.held.get(verdict.control)
            if held is not None and held[5:8] == told[2:]:
                continue
            if held is not None:
                self._end([held], call.time, "config_posture", 2)
            self.held[verdict.control] = [call.thing, call.time, None, *told, call.event_id]

    def _behaviors_of(self, version: Version, number: int) -> None:
        call, fresh = version.call, _behaviors(version)
        if [row[4:] for row in self.behaviors] != [row[2:] for row in fresh]:
            self._end(self.behaviors, call.time, "config_behaviors", 3)
            self.behaviors = [[number, row[0], call.time, None, *row[2:]] for row in fresh]

    def _end(self, rows: list[list[Any]], at: datetime | None, table: str, column: int) -> None:
        for row in rows:
            row[column] = at if at is None else max(at, row[column - 1])
            self.rows[table].append(row)

    def _end_states(self, at: datetime | None) -> None:
        self._end(self.behaviors, at, "config_behaviors", 3)
        self._end(list(self.held.values()), at, "config_posture", 2)
        self.behaviors, self.held = [], {}

    def _flush_last(self) -> None:
        if self.last is not None:
            self.rows["config_versions"].append(self.last)
            self.last = None

    def _close(self, at: datetime | None) -> None:
        self._flush_last()
        self._end_states(at)

    def _flush(self) -> None:
        for table, rows in self.rows.items():
            _insert(self.con, table, rows)
            rows.clear()

    def end(self) -> None:
        self._close(None)
        self._flush()


def _behaviors(version: Version) -> list[list[Any]]:
    config, call = version.config, version.call
    out: list[list[Any]] = []
    for precedence, pattern in enumerate((*behaviors(config), None), 1):
        at = "defaultCacheBehavior." if pattern is None else f"cacheBehaviors[{pattern}]."
        out.append([
            call.thing, call.time, precedence, str(pattern) if pattern is not None else "*", "" if pattern is None else regex(str(pattern)),
            "%" if pattern is None else like(str(pattern)),
            _word(config.get(at + "targetOriginId")), _word(config.get(at + "viewerProtocolPolicy")),
            bool(config.get(at + "trustedKeyGroups") or config.get(at + "trustedSigners")), _word(config.get(at + "cachePolicyId")),
        ])  # fmt: skip
    return out


def _word(value: Any) -> str | None:
    return None if value is None else str(value)


def _insert(con: Any, table: str, rows: list[Any]) -> None:
    """As a data frame: bound lists take DuckDB six times as long."""
    if not rows:
        return
    import pandas as pd

    named = con.execute(
        "select column_name, data_type from duckdb_columns() where database_name = current_database() and table_name = $1 "
        "order by column_index", [table]
    ).fetchall()  # fmt: skip
    columns = list(zip(*rows, strict=True))
    frame = pd.DataFrame({name: pd.Series(values, dtype="object") for (name, _), values in zip(named, columns, strict=True)})
    con.register("history_rows", frame)
    try:
        cast = ", ".join(f"cast({name} as {'varchar' if type_ == 'JSON' else type_})" for name, type_ in named)
        con.execute(f"insert into {table} select {cast} from history_rows")
    finally:
        con.unregister("history_rows")
