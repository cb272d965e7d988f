"""Records to objects: `AWSLogs/<account>/CloudTrail/us-east-1/YYYY/MM/DD/<account>_CloudTrail_us-east-1_YYYYMMDDThhmmZ_<16>.json.gz`.

A record is delivered within some minutes, in an object named by a full five minutes; records in it are in no order (CloudTrail user guide,
"CloudTrail log file examples"; published trails look the same).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from data.generator.clock import MINUTE, moment
from data.generator.dice import Dice
from data.generator.trail.setup import TRAIL_BUCKET
from data.generator.world.sites import ACCOUNT

_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def objects(seed: int, records: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[tuple[str, int, bytes]]:
    """(key, moment of delivery, text) of each object."""
    dice = Dice.of(seed, "trail", "objects")
    slots: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for at, record in sorted(records, key=lambda item: (item[0], item[1]["eventID"])):
        slot = at // (5 * MINUTE)
        slots[slot + 1 + Dice.of(seed, "trail", "wait", slot // 12).below(2)].append(record)
    for slot, several in sorted(slots.items()):
        when = moment(slot * 5 * MINUTE)
        several = dice.shuffled(several)
        cut = dice.between(1, len(several) - 1) if len(several) > 9 and dice.chance(0.5) else len(several)
        for part in (several[:cut], several[cut:]):
            if part:
                key = (
                    f"{TRAIL_BUCKET}/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/{when:%Y/%m/%d}/"
                    f"{ACCOUNT}_CloudTrail_us-east-1_{when:%Y%m%dT%H%MZ}_{dice.token(16, _SUFFIX)}.json.gz"
                )
                yield key, slot * 5 * MINUTE + dice.between(20, 290) * 1000, json.dumps({"Records": part}, separators=(",", ":")).encode()
