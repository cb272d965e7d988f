"""The account on the eve of the first day: three distributions, their policies, web ACLs and log deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data.generator.clock import DAY
from data.generator.edge.shield import GROUPS
from data.generator.trail.account import Account, Thing
from data.generator.trail.config import (
    ALL,
    ALL_VIEWER_EXCEPT_HOST,
    CACHING_DISABLED,
    HIDDEN,
    READ_ASK,
    Config,
    behaviour,
    bucket_origin,
    custom_origin,
    distribution,
    error_page,
    listed,
)  # fmt: skip
from data.generator.trail.names import uuid
from data.generator.world.places import COUNTRIES
from data.generator.world.sites import ACCOUNT, API, CDN_HOSTS, MEDIA, WEB
from data.generator.written.access import PARQUET, V2

if TYPE_CHECKING:
    from data.generator.trail.names import Names
    from data.generator.world.world import World

LOG_BUCKET, TRAIL_BUCKET, WAF_BUCKET = "acme-cf-logs", "acme-trail-logs", "aws-waf-logs-acme"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/acme-trail"
DESTINATIONS = {API: "acme-logs-json", MEDIA: "acme-logs-parquet", WEB: "acme-logs-w3c"}
FORMATS = {"acme-logs-json": "json", "acme-logs-parquet": "parquet", "acme-logs-w3c": "w3c"}
SUFFIX = "{DistributionId}/{yyyy}/{MM}/{dd}/{HH}"
PROMO_BUCKET = "acme-promo-2025"
_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def account(world: World, names: Names) -> Account:
    out = Account(world.seed)
    out.at = -40 * DAY
    logs = (f"{LOG_BUCKET}.s3.amazonaws.com", "cf/")
    files = behaviour("shop-files", "/assets/*", headers=names.headers_policy)
    web = distribution(
        "shop-2021-06", ("www.shop.example", "shop.example", "old.shop.example"),
        [
            custom_origin("shop-app", names.origin),
            bucket_origin("shop-files", "acme-shop-assets", names.assets_control),
            bucket_origin("promo", PROMO_BUCKET, names.assets_control),
        ],
        behaviour("shop-app", methods=ALL, functions=(("shop-redirects", "viewer-request"),), cache=names.pages_policy,
        forward=ALL_VIEWER_EXCEPT_HOST,
                  headers=names.headers_policy),
        [
            files, files | {"pathPattern": "/images/*"}, files | {"pathPattern": "/uploads/*"}, behaviour("promo", "/promo/*"),
            behaviour("shop-app", "/account*", ALL, lambdas=((names.gate, "viewer-request"),), cache=CACHING_DISABLED,
            forward=ALL_VIEWER_EXCEPT_HOST,
                      headers=names.headers_policy),
            behaviour("shop-app", "/search*", READ_ASK, cache=names.pages_policy, forward=ALL_VIEWER_EXCEPT_HOST,
            headers=names.headers_policy),
        ],
        names.acls["acme-web"], names.certificates[WEB], "TLSv1.2_2019", logs,
        errors=(error_page(404, "/errors/404.html", "404", 10), error_page(503, "/errors/soon.html", "503", 5)),
        comment="www.shop.example, the shop",
    )  # fmt: skip
    api = distribution(
        "shop-api-2022-11", ("api.shop.example",), [custom_origin("api", "api-origin.shop.example")],
        behaviour("api", methods=ALL, cache=CACHING_DISABLED, forward=ALL_VIEWER_EXCEPT_HOST),
        [
            behaviour("api", "/v1/auth/*", ALL, functions=(("login-throttle", "viewer-request"),), cache=CACHING_DISABLED,
            forward=ALL_VIEWER_EXCEPT_HOST),
            behaviour("api", "/v1/products*", READ_ASK, cache=names.products_policy, forward=ALL_VIEWER_EXCEPT_HOST),
            behaviour("api", "/v1/orders/live", READ_ASK, cache=CACHING_DISABLED, forward=ALL_VIEWER_EXCEPT_HOST),
        ],
        names.acls["acme-api"], names.certificates[API], "TLSv1", countries=tuple(c.code for c in COUNTRIES),
        comment="api.shop.example, the app's API",
    )  # fmt: skip
    media = distribution(
        "shop-media-2024-02", ("media.shop.example",),
        [bucket_origin("media-files", "acme-shop-media", names.media_control),
        bucket_origin("press", "acme-shop-press", identity=names.press_identity)],
        behaviour("media-files"),
        [
            behaviour("media-files", "/private/*", keys=(names.key_group,)), behaviour("media-files", "/video/*"),
            behaviour("press", "/press/*"),
            behaviour("media-files", "/podcast/*"),
        ],
        names.acls["acme-web"], names.certificates[MEDIA], "TLSv1.2_2021", root="index.html",
        comment="media.shop.example, films and downloads",
    )  # fmt: skip
    for site, config in ((WEB, web), (API, api), (MEDIA, media)):
        out.add_distribution(site, CDN_HOSTS[site], config, -40 * DAY + out.dice.below(9 * DAY))
    for kind, id, config in _things(names):
        out.things[kind, id] = Thing(id, config, out.etag(), -60 * DAY)
    for name in GROUPS:
        out.acls[name] = _acl(name, names.acls[name], uuid(out.dice))
    kept = {"behavior": "KEEP", "requirement": "MEETS_ANY"}
    actions = [{"actionCondition": {"action": action}} for action in ("BLOCK", "COUNT", "CAPTCHA", "EXCLUDED_AS_COUNT")]
    for name in GROUPS:
        out.waf_logs(name, {"defaultBehavior": "DROP", "filters": [kept | {"conditions": actions}]})
    for name, format in FORMATS.items():
        arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:delivery-destination:{name}"
        prefix = "/media" if format == "parquet" else ""
        out.destinations[name] = {
            "name": name, "arn": arn, "deliveryDestinationType": "S3", "outputFormat": format,
            "deliveryDestinationConfiguration": {"destinationResourceArn": f"arn:aws:s3:::{LOG_BUCKET}{prefix}"},
        }  # fmt: skip
    for site, fields, hive in ((API, V2, False), (MEDIA, PARQUET, True)):
        out.put_source(names.edge[site], site)
        out.create_delivery(names.edge[site], DESTINATIONS[site], SUFFIX, list(fields), hive)
    out.changed = []
    return out


def _things(names: Names) -> list[tuple[str, str, Config]]:
    def cache(name: str, queries: Config, headers: tuple[str, ...] = ()) -> Config:
        return {
            "comment": HIDDEN, "name": name, "defaultTTL": 1800, "maxTTL": 31536000, "minTTL": 0,
            "parametersInCacheKeyAndForwardedToOrigin": {
                "enableAcceptEncodingGzip": True, "enableAcceptEncodingBrotli": True,
                "headersConfig": {"headerBehavior": "whitelist" if headers else "none",
                **({"headers": listed(headers)} if headers else {})},
                "cookiesConfig": {"cookieBehavior": "none"}, "queryStringsConfig": queries,
            },
        }  # fmt: skip

    campaign = ("utm_source", "utm_medium", "utm_campaign", "utm_id", "utm_term", "utm_content")
    security: Config = {
        "comment": HIDDEN, "name": "shop-security",
        "securityHeadersConfig": {
            "frameOptions": {"override": True, "frameOption": "SAMEORIGIN"}, "contentTypeOptions": {"override": True},
            "referrerPolicy": {"override": True, "referrerPolicy": "strict-origin-when-cross-origin"},
            "contentSecurityPolicy": {"override": True,
            "contentSecurityPolicy": "default-src 'self' *.shop.example; frame-ancestors 'self'"},
            "strictTransportSecurity": {"override": True, "includeSubdomains": True, "preload": False, "accessControlMaxAgeSec": 31536000},
        },
    }  # fmt: skip

    def control(name: str) -> Config:
        return {
            "name": name,
            "description": HIDDEN,
            "signingProtocol": "sigv4",
            "signingBehavior": "always",
            "originAccessControlOriginType": "s3",
        }

    return [
        ("cache policy", names.pages_policy, cache("shop-pages", {"queryStringBehavior": "allExcept", "queryStrings": listed(campaign)})),
        (
            "cache policy",
            names.products_policy,
            cache("api-products", {"queryStringBehavior": "all"}, ("Authorization", "Accept-Language")),
        ),
        ("headers policy", names.headers_policy, security),
        ("access control", names.assets_control, control("shop-assets")),
        ("access control", names.media_control, control("shop-media")),
        ("access control", names.press_control, control("shop-press")),
        ("key group", names.key_group, {"name": "media-signers", "items": [names.keys[0]], "comment": HIDDEN}),
        *(("function", name, {"comment": HIDDEN, "runtime": "cloudfront-js-2.0"}) for name in names.functions),
    ]


def seen(name: str) -> Config:
    return {"sampledRequestsEnabled": True, "cloudWatchMetricsEnabled": True, "metricName": name}


def _acl(name: str, arn: str, lock: str) -> dict[str, Any]:
    from data.generator.edge.shield import ALWAYS_COUNTED, LIMITS, RULES

    rules: list[Config] = [
        {
            "name": "acme-blocklist", "priority": 0, "action": {"block": {}}, "visibilityConfig": seen("acme-blocklist"),
            "statement": {"iPSetReferenceStatement": {"aRN": arn.replace("webacl", "ipset").replace(name, "acme-blocklist")}},
        }
    ]  # fmt: skip
    for group in GROUPS[name]:
        counted = [RULES[threat][1] for threat in sorted(ALWAYS_COUNTED) if RULES[threat][0] == group]
        overrides = {"ruleActionOverrides": [{"name": rule, "actionToUse": {"count": {}}} for rule in counted]} if counted else {}
        rules.append(
            {
                "name": f"AWS-AWSManagedRules{group}", "priority": len(rules), "overrideAction": {"none": {}},
                "statement": {"managedRuleGroupStatement": {"vendorName": "AWS", "name": f"AWSManagedRules{group}", **overrides}},
                "visibilityConfig": seen(f"AWS-AWSManagedRules{group}"),
            }
        )  # fmt: skip
    limit, requests = LIMITS["rate" if name == "acme-web" else "rate-login"]
    rules.append(
        {
            "name": limit, "priority": len(rules), "action": {"block": {}}, "visibilityConfig": seen(limit),
            "statement": {"rateBasedStatement": {"limit": requests, "evaluationWindowSec": 300, "aggregateKeyType": "IP"}},
        }
    )  # fmt: skip
    if name == "acme-web":
        login = {"byteMatchStatement": {"searchString": "/login", "fieldToMatch": {"uriPath": {}}, "positionalConstraint": "EXACTLY"}}
        rules.append(
            {
                "name": "captcha-on-login",
                "priority": len(rules),
                "action": {"captcha": {}},
                "statement": login,
                "visibilityConfig": seen("captcha-on-login"),
            }
        )
    return {
        "name": name, "id": arn.rsplit("/", 1)[1], "aRN": arn, "defaultAction": {"allow": {}}, "rules": rules,
        "visibilityConfig": seen(name),
        "lockToken": lock,
    }  # fmt: skip
