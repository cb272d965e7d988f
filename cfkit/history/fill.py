"""Configuration history as tables of the case, made anew after each load that brought calls or an inventory.

Nothing here is evidence of its own: it can be made again from `changes` and `inventory` at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from cfkit.history import posture
from cfkit.history.config import Flat, behaviors, flat
from cfkit.history.patterns import regex
from cfkit.history.rebuild import DISTRIBUTION, EVENTS, GAP, Version, call_of, rebuild

TABLES = """
create table config_versions (
    version_id integer not null,    -- in the order of time
    time timestamp not null,        -- when it began, UTC; the time of the snapshot where an inventory shows it
    valid_to timestamp,             -- when the next one began, UTC; empty: it is the last that is known
    kind varchar not null,          -- distribution, cache policy, response headers policy, key group, function, web ACL ...
    thing varchar not null,         -- distribution id, else the id of the thing
    name varchar,                   -- its name
    distribution varchar,           -- distribution id; empty for other things
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
    change_id integer not null,     -- in the order of time and path
    version_id integer not null,    -- `config_versions.version_id` it led to
    time timestamp not null,        -- when, UTC
    kind varchar not null,          -- as in config_versions
    thing varchar not null,         -- as in config_versions
    name varchar,                   -- as in config_versions
    distribution varchar,           -- distribution id; empty for other things
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
    version_id integer not null,    -- `config_versions.version_id`
    distribution varchar not null,  -- distribution id
    time timestamp not null,        -- from when on, UTC
    valid_to timestamp,             -- until when, UTC
    precedence integer not null,    -- 1 is tried first; the default one comes last
    pattern varchar not null,       -- path pattern; * is the default one
    path_regex varchar not null,    -- the same as a regular expression for the whole path
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
    versions = sorted(rebuild(_calls(con), _seeds(con)), key=lambda version: (version.call.time, version.call.kind, version.call.thing))
    con.execute("begin")
    try:
        for name in NAMES:
            con.execute(f"delete from {name}")
        _write(con, versions)
        con.execute("delete from meta where key = 'history'")
        con.execute("insert into meta values ('history', $1)", [stamp])
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise


def _calls(con: Any) -> Iterator[Any]:
    rows = con.execute(
        "select time, event, event_id, distribution, etag_before, etag_after, cast(request as varchar), cast(response as varchar) "
        f"from changes where error_code is null and time is not null and event in ({', '.join(f'{name!r}' for name in EVENTS)}) "
        "and event_source in ('cloudfront.amazonaws.com', 'wafv2.amazonaws.com') order by time, event_id"
    ).fetchall()
    for time, event, event_id, distribution, before, after, request, response in rows:
        row = {"time": time, "event": event, "event_id": event_id, "distribution": distribution, "etag_before": before, "etag_after": after}
        call = call_of(row, _parsed(request), _parsed(response))
        if call is not None:
            yield call


def _seeds(con: Any) -> dict[str, list[tuple[datetime, str | None, Flat]]]:
    rows = con.execute(
        "select distribution, time, etag, cast(config as varchar) from distributions "
        "where config is not null and time is not null order by time"
    ).fetchall()
    out: dict[str, list[tuple[datetime, str | None, Flat]]] = {}
    for distribution, time, etag, config in rows:
        parsed = _parsed(config)
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


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _write(con: Any, versions: list[Version]) -> None:
    ends = _ends(versions)
    of_versions: list[tuple[Any, ...]] = []
    of_changes: list[tuple[Any, ...]] = []
    of_behaviors: list[tuple[Any, ...]] = []
    held: dict[tuple[str, str], list[Any]] = {}
    for number, version in enumerate(versions, 1):
        call = version.call
        of_kind = (call.kind, call.thing, call.name, call.thing if call.kind == DISTRIBUTION else None)
        of_versions.append((
            number, call.time, ends[number - 1], *of_kind, call.event, call.event_id, call.etag_before, call.etag_after, version.chain,
            version.since, _json(version.config),
        ))  # fmt: skip
        for change in version.changes:
            each, said = change.difference, change.effect
            note = said.note
            if version.chain == GAP:
                note = f"{note or ''} (in the gap, or by this call)".strip()
            of_changes.append((
                len(of_changes) + 1, number, call.time, *of_kind, call.event, call.event_id, version.chain, each.path, each.item,
                each.behavior, each.kind, _json(each.before), _json(each.after), said.effect, said.control, note,
            ))  # fmt: skip
        if call.kind != DISTRIBUTION or call.gone or "defaultCacheBehavior.targetOriginId" not in version.config:
            continue
        of_behaviors += _behaviors(number, version, ends[number - 1])
        for verdict in posture.verdicts(version.config):
            rows = held.setdefault((call.thing, verdict.control), [])
            told = [verdict.control, verdict.title, verdict.verdict, verdict.field, verdict.value]
            if rows and rows[-1][5:8] == told[2:]:
                continue
            if rows:
                rows[-1][2] = call.time
            rows.append([call.thing, call.time, None, *told, call.event_id])
    of_posture = [tuple(row) for rows in held.values() for row in rows]
    _insert(con, "config_versions", of_versions)
    _insert(con, "config_changes", of_changes)
    _insert(con, "config_behaviors", of_behaviors)
    _insert(con, "config_posture", of_posture)


def _ends(versions: list[Version]) -> list[datetime | None]:
    """When each was followed by the next version of the same thing."""
    out: list[datetime | None] = [None] * len(versions)
    following: dict[tuple[str, str], datetime] = {}
    for at in range(len(versions) - 1, -1, -1):
        call = versions[at].call
        out[at] = following.get((call.kind, call.thing))
        following[call.kind, call.thing] = call.time
    return out


def _behaviors(number: int, version: Version, until: datetime | None) -> list[tuple[Any, ...]]:
    config, call = version.config, version.call
    patterns = behaviors(config)
    out = []
    for precedence, pattern in enumerate((*patterns, None), 1):
        at = "defaultCacheBehavior." if pattern is None else f"cacheBehaviors[{pattern}]."
        out.append((
            number, call.thing, call.time, until, precedence, pattern or "*", "" if pattern is None else regex(pattern),
            config.get(at + "targetOriginId"), config.get(at + "viewerProtocolPolicy"),
            bool(config.get(at + "trustedKeyGroups") or config.get(at + "trustedSigners")), config.get(at + "cachePolicyId"),
        ))  # fmt: skip
    return out


def _insert(con: Any, table: str, rows: list[tuple[Any, ...]]) -> None:
    """Column by column in one statement: row by row would take DuckDB a millisecond each."""
    if not rows:
        return
    types = [str(type_) for (type_,) in con.execute(
        "select data_type from duckdb_columns() where database_name = current_database() and table_name = $1 order by column_index", [table]
    ).fetchall()]  # fmt: skip
    parts = ", ".join(f"unnest(cast(${at} as {'varchar' if type_ == 'JSON' else type_}[]))" for at, type_ in enumerate(types, 1))
    con.execute(f"insert into {table} select {parts}", [list(column) for column in zip(*rows, strict=True)])
