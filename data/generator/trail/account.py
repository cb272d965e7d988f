"""The account: what is configured in it, moment by moment. Its methods do what a call does and return what CloudTrail writes of it:
(requestParameters, responseElements).

ETags chain as the API demands: a change names the ETag it means to replace and gets a new one. Operations, their keys and what they answer:
the service models of botocore 1.43 for cloudfront, wafv2 and logs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from data.generator.clock import spoken
from data.generator.dice import Dice
from data.generator.trail.config import HIDDEN, Config, as_request, as_response, differences
from data.generator.trail.names import uuid
from data.generator.world.sites import ACCOUNT

Said = tuple[Config | None, Config | None]
_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Thing:
    """Something that has a configuration and an ETag."""

    __slots__ = ("config", "created", "etag", "id", "modified", "more")

    def __init__(self, id: str, config: Config, etag: str, modified: int, **more: Any) -> None:
        self.id, self.config, self.etag, self.modified, self.created, self.more = id, config, etag, modified, modified, more


class Account:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.at = 0
        self.dice = Dice.of(seed, "account")
        self.distributions: dict[str, Thing] = {}
        self.things: dict[tuple[str, str], Thing] = {}  # (kind, id or name)
        self.acls: dict[str, Config] = {}  # name -> as wafv2 describes it
        self.waf_logging: dict[str, Config] = {}  # web ACL name -> its logging configuration
        self.deliveries: dict[str, Config] = {}
        self.sources: dict[str, Config] = {}
        self.destinations: dict[str, Config] = {}
        self.changed: list[tuple[str, Any, Any]] = []
        """What the last call changed: (path, before, after)."""

    def etag(self) -> str:
        return "E" + self.dice.token(self.dice.between(12, 13), _ID)

    # --- distributions --------------------------------------------------------------------------------------------------------

    def arn(self, distribution: str) -> str:
        return f"arn:aws:cloudfront::{ACCOUNT}:distribution/{distribution}"

    def add_distribution(self, id: str, domain: str, config: Config, created: int) -> None:
        self.distributions[id] = Thing(id, config, self.etag(), created, domain=domain)

    def described(self, thing: Thing, status: str = "InProgress") -> Config:
        keys = any(b["trustedKeyGroups"]["enabled"] for b in thing.config["cacheBehaviors"].get("items", []))
        return {
            "id": thing.id, "aRN": self.arn(thing.id), "status": status, "lastModifiedTime": spoken(thing.modified),
            "inProgressInvalidationBatches": 0, "domainName": thing.more["domain"],
            "activeTrustedSigners": {"enabled": False, "quantity": 0},
            "activeTrustedKeyGroups": {"enabled": keys, "quantity": int(keys),
            **({"items": [{"keyGroupId": self.key_group()}]} if keys else {})},
            "distributionConfig": as_response(thing.config),
            "aliasICPRecordals": [{"cNAME": name, "iCPRecordalStatus": "APPROVED"} for name in thing.config["aliases"].get("items", [])],
        }  # fmt: skip

    def key_group(self) -> str:
        return next(name for kind, name in self.things if kind == "key group")

    def update_distribution(self, id: str, change: Callable[[Config], None]) -> Said:
        thing = self.distributions[id]
        before, old = copy.deepcopy(thing.config), thing.etag
        change(thing.config)
        self.changed = differences(before, thing.config)
        thing.etag, thing.modified = self.etag(), self.at
        request = {"distributionConfig": as_request(thing.config, self.dice), "id": id, "ifMatch": old}
        return request, {"eTag": thing.etag, "distribution": self.described(thing)}

    def create_distribution(self, id: str, domain: str, config: Config) -> Said:
        self.add_distribution(id, domain, config, self.at)
        thing = self.distributions[id]
        self.changed = []
        location = f"https://cloudfront.amazonaws.com/2020-05-31/distribution/{id}"
        return {"distributionConfig": as_request(config, self.dice)}, {
            "eTag": thing.etag,
            "location": location,
            "distribution": self.described(thing),
        }

    def delete_distribution(self, id: str) -> Said:
        thing = self.distributions.pop(id)
        self.changed = []
        return {"id": id, "ifMatch": thing.etag}, None

    def web_acl(self, id: str, acl: str) -> Said:
        """AssociateDistributionWebACL, or with "" DisassociateDistributionWebACL."""
        thing = self.distributions[id]
        before, old = thing.config["webACLId"], thing.etag
        thing.config["webACLId"], thing.etag, thing.modified = acl, self.etag(), self.at
        self.changed = [("webACLId", before, acl)]
        if acl:
            return {"id": id, "webACLArn": acl, "ifMatch": old}, {"id": id, "webACLArn": acl, "eTag": thing.etag}
        return {"id": id, "ifMatch": old}, {"id": id, "eTag": thing.etag}

    def invalidate(self, id: str, paths: list[str], reference: str) -> Said:
        self.changed = []
        batch = {"callerReference": reference, "paths": {"quantity": len(paths), "items": paths}}
        invalidation = "I" + self.dice.token(24, _ID)
        return {"distributionId": id, "invalidationBatch": batch}, {
            "location": f"https://cloudfront.amazonaws.com/2020-05-31/distribution/{id}/invalidation/{invalidation}",
            "invalidation": {"id": invalidation, "status": "InProgress", "createTime": spoken(self.at), "invalidationBatch": batch},
        }

    # --- what distributions refer to --------------------------------------------------------------------------------------------

    def update(self, kind: str, key: str, change: Callable[[Config], None], config_key: str, thing_key: str) -> Said:
        """UpdateCachePolicy, UpdateResponseHeadersPolicy, UpdateOriginAccessControl, UpdateKeyGroup."""
        thing = self.things[kind, key]
        before, old = copy.deepcopy(thing.config), thing.etag
        change(thing.config)
        self.changed = differences(before, thing.config)
        thing.etag, thing.modified = self.etag(), self.at
        shown = thing.config | ({"comment": HIDDEN} if "comment" in thing.config else {})
        request = {config_key: copy.deepcopy(shown), "id": thing.id, "ifMatch": old}
        body = {"id": thing.id, "lastModifiedTime": spoken(self.at), config_key: copy.deepcopy(shown)}
        return request, {"eTag": thing.etag, thing_key: body}

    def create_public_key(self, id: str, name: str) -> Said:
        config = {"callerReference": str(self.dice.word())[:13], "name": name, "encodedKey": HIDDEN, "comment": HIDDEN}
        self.things["public key", id] = Thing(id, config, self.etag(), self.at)
        self.changed = []
        return {"publicKeyConfig": config}, {
            "eTag": self.things["public key", id].etag, "location": f"https://cloudfront.amazonaws.com/2020-05-31/public-key/{id}",
            "publicKey": {"id": id, "createdTime": spoken(self.at), "publicKeyConfig": config},
        }  # fmt: skip

    def function(self, call: str, name: str) -> Said:
        """CreateFunction, UpdateFunction, PublishFunction. The code is masked."""
        arn = f"arn:aws:cloudfront::{ACCOUNT}:function/{name}"
        thing = self.things.get(("function", name))
        if thing is None:
            thing = self.things["function", name] = Thing(name, {"comment": HIDDEN, "runtime": "cloudfront-js-2.0"}, self.etag(), self.at)
        old = thing.etag
        stage = "LIVE" if call == "PublishFunction" else "DEVELOPMENT"
        if call != "PublishFunction":
            thing.etag = self.etag()
        thing.modified = self.at
        self.changed = (
            [("functionCode", HIDDEN, HIDDEN)]
            if call == "UpdateFunction"
            else [("function", None, name)]
            if call == "CreateFunction"
            else []
        )
        times = {"lastModifiedTime": spoken(self.at), "createdTime": spoken(thing.created)}
        summary = {
            "name": name, "status": "UNPUBLISHED" if stage == "DEVELOPMENT" else "UNASSOCIATED", "functionConfig": thing.config,
            "functionMetadata": {"functionARN": arn, "stage": stage, **times},
        }  # fmt: skip
        code = {"functionConfig": thing.config, "functionCode": HIDDEN}
        if call == "CreateFunction":
            return {"name": name, **code}, {
                "eTag": thing.etag,
                "location": f"https://cloudfront.amazonaws.com/2020-05-31/{arn}",
                "functionSummary": summary,
            }
        if call == "UpdateFunction":
            return {"name": name, "ifMatch": old, **code}, {"eTag": thing.etag, "functionSummary": summary}
        return {"name": name, "ifMatch": old}, {"functionSummary": summary}

    # --- AWS WAF and log deliveries ------------------------------------------------------------------------------------------------

    def update_web_acl(self, name: str, change: Callable[[Config], None]) -> Said:
        acl = self.acls[name]
        before, lock = copy.deepcopy(acl), acl["lockToken"]
        change(acl)
        self.changed = differences(
            {k: v for k, v in before.items() if k != "lockToken"}, {k: v for k, v in acl.items() if k != "lockToken"}
        )
        acl["lockToken"] = uuid(self.dice)
        kept = ("name", "id", "defaultAction", "rules", "visibilityConfig")
        return {**copy.deepcopy({k: acl[k] for k in kept}), "scope": "CLOUDFRONT", "lockToken": lock}, {"nextLockToken": acl["lockToken"]}

    def waf_logs(self, acl: str, filter: Config | None) -> Said:
        """PutLoggingConfiguration; `filter` None logs everything."""
        old = self.waf_logging.get(acl, {}).get("loggingFilter")
        config: Config = {
            "resourceArn": self.acls[acl]["aRN"],
            "logDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-acme"],
            "managedByFirewallManager": False,
        }
        if filter:
            config["loggingFilter"] = filter
        self.waf_logging[acl] = config
        self.changed = [("loggingFilter", old, filter)]
        return {"loggingConfiguration": copy.deepcopy(config)}, {"loggingConfiguration": copy.deepcopy(config)}

    def waf_logs_off(self, acl: str) -> Said:
        config = self.waf_logging.pop(acl)
        self.changed = [("loggingConfiguration", config["logDestinationConfigs"][0], None)]
        return {"resourceArn": self.acls[acl]["aRN"]}, None

    def put_source(self, name: str, distribution: str) -> Said:
        source = {
            "name": name, "arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:delivery-source:{name}", "resourceArns": [self.arn(distribution)],
            "service": "cloudfront", "logType": "ACCESS_LOGS",
        }  # fmt: skip
        self.sources[name] = source
        self.changed = []
        return {"name": name, "resourceArn": self.arn(distribution), "logType": "ACCESS_LOGS"}, {"deliverySource": source}

    def create_delivery(self, source: str, destination: str, suffix: str, fields: list[str], hive: bool = False) -> Said:
        id = self.dice.token(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        asked = {
            "deliverySourceName": source, "deliveryDestinationArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:delivery-destination:{destination}",
            "recordFields": fields, "s3DeliveryConfiguration": {"suffixPath": suffix, "enableHiveCompatiblePath": hive},
        }  # fmt: skip
        self.deliveries[id] = {
            "id": id, "arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:delivery:{id}", "deliveryDestinationType": "S3", "fieldDelimiter": "",
            **asked,
        }  # fmt: skip
        self.changed = [("delivery", None, id)]
        return asked, {"delivery": copy.deepcopy(self.deliveries[id])}

    def delete_delivery(self, source: str) -> Said:
        id = next(id for id, delivery in self.deliveries.items() if delivery["deliverySourceName"] == source)
        del self.deliveries[id]
        self.changed = [("delivery", id, None)]
        return {"id": id}, None

    def delete_source(self, name: str) -> Said:
        del self.sources[name]
        self.changed = [("deliverySource", name, None)]
        return {"name": name}, None
