"""The tables of a case, column by column: type, unit, meaning and the log fields a column is read from.

One list for each table feeds the table itself, the loader and `docs/tables.md`, which `make docs` writes and a test compares.
Field names: AWS developer guide, "Standard logging reference", "Configure standard logging (v2)" and "Connection logs"; AWS WAF
developer guide, "Log fields"; CloudTrail user guide, "CloudTrail record contents".
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Column:
    """`fields`: names in the log, lower-cased; the first one present in an object is taken."""

    name: str
    type: str
    meaning: str
    fields: tuple[str, ...] = ()
    decode: str = ""  # "": as it is; "once": percent-decoded; "agent": decoded again where it was encoded twice
    looked_up: str = ""  # SQL over `found`, the row of `addresses`: what the table shows where the log (`read`) does not say


@dataclass(frozen=True)
class Table:
    """One table of a case. `rows` is where its rows lie: the table itself, or what a view of its name reads."""

    name: str
    about: str
    columns: tuple[Column, ...] = field(repr=False)
    key: str | None = None  # the column that tells one record from another: the same value twice is the same record
    unique: bool = False  # its values are unique by their making (UUIDs): whatever object holds one again, it is the same record
    states: bool = False  # rows say what was true at a time rather than what happened: no window cuts them
    rows: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", self.rows or self.name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def lookups(self) -> tuple[str, ...]:
        """The columns that a lookup fills where the log is silent."""
        return tuple(column.name for column in self.columns if column.looked_up)


# fmt: off
_REQUESTS = (
    Column("time", "TIMESTAMP", "when the response was finished, UTC; whole seconds, or fractions where logged",
           ("date", "time", "timestamp(ms)", "timestamp")),
    Column("distribution", "VARCHAR", "distribution id; from the log where it has it, else from the object's name", ("distributionid",)),
    Column("edge", "VARCHAR", "edge location code that answered, as logged: FRA56-P4", ("x-edge-location",)),
    Column("edge_country", "VARCHAR", "ISO 3166-1 alpha-2 country of that edge location: where it was served, not where the viewer is"),
    Column("client_ip", "VARCHAR", "address of the viewer or of its proxy, IPv4 or IPv6", ("c-ip",)),
    Column("country", "VARCHAR", "ISO 3166-1 alpha-2 country of the viewer's address: from the log, else from a lookup", ("c-country",),
           looked_up="found.country"),
    Column("country_from", "VARCHAR", "where `country` comes from: log; geo-db, the user's own database; registry, where the address is registered",
           looked_up="found.country_from"),
    Column("asn", "BIGINT", "autonomous system number of the viewer's address", ("asn",), looked_up="found.asn"),
    Column("network", "VARCHAR", "name of that network, where a lookup knows it", looked_up="case when read.asn is null or read.asn = found.asn then found.network end"),
    Column("method", "VARCHAR", "HTTP method", ("cs-method",)),
    Column("host", "VARCHAR", "host the viewer asked for", ("x-host-header",)),
    Column("cdn_host", "VARCHAR", "the distribution's own name, dXXXX.cloudfront.net", ("cs(host)",)),
    Column("path", "VARCHAR", "path without the query, decoded once", ("cs-uri-stem",), "once"),
    Column("query", "VARCHAR", "query string without the ?, decoded once", ("cs-uri-query",), "once"),
    Column("status", "INTEGER", "HTTP status; 0 is a viewer that left before the answer (logged as 000)", ("sc-status",)),
    Column("sent_bytes", "BIGINT", "bytes sent to the viewer, headers included", ("sc-bytes",)),
    Column("received_bytes", "BIGINT", "bytes received from the viewer, headers included", ("cs-bytes",)),
    Column("referer", "VARCHAR", "Referer header, decoded once", ("cs(referer)",), "once"),
    Column("user_agent", "VARCHAR", "User-Agent header, decoded (twice where it was encoded twice, 2013-2019)",
           ("cs(user-agent)",), "agent"),
    Column("cookie", "VARCHAR", "Cookie header where cookie logging is on; secret material", ("cs(cookie)",)),
    Column("result_type", "VARCHAR", "how the request was classed after the last byte: Hit, Miss, Error ... (open list)",
           ("x-edge-result-type",)),
    Column("response_result_type", "VARCHAR", "the same just before answering", ("x-edge-response-result-type",)),
    Column("detailed_result_type", "VARCHAR", "the same with the kind of error: OriginDnsError, ClientGeoBlocked ...",
           ("x-edge-detailed-result-type",)),
    Column("request_id", "VARCHAR", "id of the request, equal to the x-amz-cf-id response header", ("x-edge-request-id",)),
    Column("scheme", "VARCHAR", "http, https, ws, wss or grpcs", ("cs-protocol",)),
    Column("time_taken_s", "DOUBLE", "seconds from the request's last byte in to the response's last byte out", ("time-taken",)),
    Column("first_byte_s", "DOUBLE", "seconds until the first byte of the response", ("time-to-first-byte",)),
    Column("origin_first_byte_s", "DOUBLE", "seconds until the origin's first byte", ("origin-fbl",)),
    Column("origin_last_byte_s", "DOUBLE", "seconds until the origin's last byte", ("origin-lbl",)),
    Column("forwarded_for", "VARCHAR", "X-Forwarded-For, as logged", ("x-forwarded-for",)),
    Column("tls_version", "VARCHAR", "TLS protocol; absent for http", ("ssl-protocol",)),
    Column("tls_cipher", "VARCHAR", "TLS cipher; absent for http", ("ssl-cipher",)),
    Column("http_version", "VARCHAR", "HTTP version: HTTP/1.1, HTTP/2.0 ...", ("cs-protocol-version",)),
    Column("client_port", "INTEGER", "the viewer's port", ("c-port",)),
    Column("content_type", "VARCHAR", "Content-Type of the response, decoded once", ("sc-content-type",), "once"),
    Column("content_bytes", "BIGINT", "Content-Length of the response, often absent", ("sc-content-len",)),
    Column("range_start", "BIGINT", "first byte of the range asked for", ("sc-range-start",)),
    Column("range_end", "BIGINT", "last byte of the range asked for", ("sc-range-end",)),
    Column("cache_behavior", "VARCHAR", "path pattern of the cache behavior that answered (v2)", ("cache-behavior-path-pattern",)),
    Column("fle_status", "VARCHAR", "field-level encryption status", ("fle-status",)),
    Column("fle_fields", "INTEGER", "number of fields encrypted by field-level encryption", ("fle-encrypted-fields",)),
    Column("tenant", "VARCHAR", "distribution tenant id (v2)", ("distribution-tenant-id",)),
    Column("connection_id", "VARCHAR", "id of the mTLS connection (v2)", ("connection-id",)),
    Column("extra", "MAP(VARCHAR, VARCHAR)", "fields of the log that this version of the kit does not know, as logged"),
    Column("object_id", "INTEGER", "the object this row was read from: `objects.object_id`"),
)

_CHANGES = (
    Column("time", "TIMESTAMP", "when the call was made, UTC", ("eventtime",)),
    Column("event", "VARCHAR", "name of the API call, without the API version that some records add", ("eventname",)),
    Column("event_source", "VARCHAR", "service that was called: cloudfront.amazonaws.com, wafv2.amazonaws.com ...", ("eventsource",)),
    Column("distribution", "VARCHAR", "distribution id the call was about, where it names one"),
    Column("resource", "VARCHAR", "what the call was about, or made: the ARN, id or name in the answer, the request or the error message; NAME/ID of AWS WAF's"),
    Column("actor", "VARCHAR", "who called: user name, role/session name, root, or the AWS service"),
    Column("actor_kind", "VARCHAR", "kind of identity: IAMUser, AssumedRole, Root, AWSService, IdentityCenterUser ...", ("useridentity.type",)),
    Column("actor_ip", "VARCHAR", "address the call came from, or the name of an AWS service", ("sourceipaddress",)),
    Column("user_agent", "VARCHAR", "the tool that called, as recorded", ("useragent",)),
    Column("tool", "VARCHAR", "what made the call, by its marks: console, cli, sdk, terraform, pulumi, ansible, cloudformation, or service, another AWS service"),
    Column("from_console", "BOOLEAN", "true for calls from a console session: by the record's own flag, else by a browser's user agent"),
    Column("read_only", "BOOLEAN", "true for calls that change nothing"),
    Column("error_code", "VARCHAR", "why the call failed; absent when it succeeded", ("errorcode",)),
    Column("error_message", "VARCHAR", "the same in words; of a denied call the only place that names its target", ("errormessage",)),
    Column("request", "JSON", "requestParameters", ("requestparameters",)),
    Column("response", "JSON", "responseElements", ("responseelements",)),
    Column("etag_before", "VARCHAR", "ETag of the version the caller meant to change (ifMatch)", ("requestparameters.ifmatch",)),
    Column("etag_after", "VARCHAR", "ETag after the call", ("responseelements.etag",)),
    Column("account", "VARCHAR", "account the call was made in"),
    Column("region", "VARCHAR", "region of the call; us-east-1 for CloudFront", ("awsregion",)),
    Column("actor_arn", "VARCHAR", "ARN of the caller", ("useridentity.arn",)),
    Column("role", "VARCHAR", "name of the role that was assumed", ("useridentity.sessioncontext.sessionissuer.username",)),
    Column("access_key", "VARCHAR", "id of the access key used (no secret)", ("useridentity.accesskeyid",)),
    Column("mfa", "BOOLEAN", "whether the session was opened with a second factor", ("useridentity.sessioncontext.attributes.mfaauthenticated",)),
    Column("invoked_by", "VARCHAR", "AWS service that called on somebody's behalf", ("useridentity.invokedby",)),
    Column("data_event", "BOOLEAN", "true for data events, which Event history and default trails leave out"),
    Column("event_id", "VARCHAR", "id of the record", ("eventid",)),
    Column("object_id", "INTEGER", "the object this row was read from: `objects.object_id`"),
)

_WAF = (
    Column("time", "TIMESTAMP", "when the web ACL judged the request, UTC, milliseconds", ("timestamp",)),
    Column("distribution", "VARCHAR", "distribution id", ("httpsourceid",)),
    Column("web_acl", "VARCHAR", "name of the web ACL"),
    Column("action", "VARCHAR", "what became of the request: ALLOW, BLOCK, CAPTCHA or CHALLENGE", ("action",)),
    Column("rule", "VARCHAR", "rule that decided, inside its rule group where it has one; Default_Action where no rule did"),
    Column("rule_group", "VARCHAR", "rule group that decided, where it was one"),
    Column("rule_kind", "VARCHAR", "REGULAR, RATE_BASED, GROUP or MANAGED_RULE_GROUP", ("terminatingruletype",)),
    Column("country", "VARCHAR", "ISO 3166-1 alpha-2 country, as AWS WAF sees it", ("httprequest.country",)),
    Column("client_ip", "VARCHAR", "address of the viewer", ("httprequest.clientip",)),
    Column("asn", "BIGINT", "autonomous system number; logged only where a rule asks for it", ("clientasn",)),
    Column("method", "VARCHAR", "HTTP method", ("httprequest.httpmethod",)),
    Column("host", "VARCHAR", "Host header"),
    Column("path", "VARCHAR", "path, decoded once as in `requests`", ("httprequest.uri",), "once"),
    Column("query", "VARCHAR", "query string, decoded once as in `requests`", ("httprequest.args",), "once"),
    Column("user_agent", "VARCHAR", "User-Agent header"),
    Column("referer", "VARCHAR", "Referer header"),
    Column("http_version", "VARCHAR", "HTTP version", ("httprequest.httpversion",)),
    Column("request_id", "VARCHAR", "CloudFront's id of the request: `requests.request_id`", ("httprequest.requestid",)),
    Column("ja3", "VARCHAR", "JA3 fingerprint of the TLS hello", ("ja3fingerprint",)),
    Column("ja4", "VARCHAR", "JA4 fingerprint of the TLS hello", ("ja4fingerprint",)),
    Column("labels", "VARCHAR[]", "labels that rules put on the request; AWS logs the first 100"),
    Column("counted_rules", "VARCHAR[]", "rules that matched and only counted, wherever the record holds them; a rule inside a group as group/rule"),
    Column("matches", "JSON", "what the deciding rule matched; AWS logs it for SQL injection and cross-site scripting", ("terminatingrulematchdetails",)),
    Column("response_status", "INTEGER", "status of the response that AWS WAF sent itself", ("responsecodesent",)),
    Column("tenant", "VARCHAR", "distribution tenant id", ("cfdistributiontenantid",)),
    Column("headers", "JSON", "all request headers as logged: a list of {name, value}; secret material", ("httprequest.headers",)),
    Column("extra", "MAP(VARCHAR, VARCHAR)", "fields of the record that have no column here, as logged"),
    Column("object_id", "INTEGER", "the object this row was read from: `objects.object_id`"),
)

_CONNECTIONS = (
    Column("time", "TIMESTAMP", "when the connection was opened or refused, UTC, milliseconds", ("eventtimestamp",)),
    Column("distribution", "VARCHAR", "distribution id", ("distributionid",)),
    Column("tenant", "VARCHAR", "distribution tenant id", ("distributiontenantid",)),
    Column("connection_id", "VARCHAR", "id of the connection: `requests.connection_id`", ("connectionid",)),
    Column("status", "VARCHAR", "Success or Failed"),
    Column("failure", "VARCHAR", "why it failed: ClientCertExpired, ClientCertUntrusted ... (open list)"),
    Column("client_ip", "VARCHAR", "address of the viewer", ("clientip",)),
    Column("client_port", "INTEGER", "the viewer's port", ("clientport",)),
    Column("server_ip", "VARCHAR", "address of the edge server", ("serverip",)),
    Column("tls_version", "VARCHAR", "TLS protocol", ("tlsprotocol",)),
    Column("tls_cipher", "VARCHAR", "TLS cipher", ("tlscipher",)),
    Column("handshake_s", "DOUBLE", "seconds the handshake took", ("tlshandshakeduration",)),
    Column("server_name", "VARCHAR", "server name the viewer asked for (SNI)", ("tlssni",)),
    Column("cert_serial", "VARCHAR", "serial number of the viewer's certificate", ("clientleafcertserialnumber",)),
    Column("cert_subject", "VARCHAR", "its subject", ("clientleafcertsubject",)),
    Column("cert_issuer", "VARCHAR", "its issuer", ("clientleafcertissuer",)),
    Column("cert_not_before", "TIMESTAMP", "when it begins to be valid, UTC"),
    Column("cert_not_after", "TIMESTAMP", "when it ends to be valid, UTC"),
    Column("custom_data", "VARCHAR", "what a connection function logged", ("connectionlogcustomdata",)),
    Column("extra", "MAP(VARCHAR, VARCHAR)", "fields of the log that this version of the kit does not know, as logged"),
    Column("object_id", "INTEGER", "the object this row was read from: `objects.object_id`"),
)

_INVENTORY = (
    Column("time", "TIMESTAMP", "when this was true, UTC", ("time",)),
    Column("time_from", "VARCHAR", "where `time` comes from: asked, when the inventory was begun; answer, the date in a saved answer; file, the time of its file, which copying may change", ("time_from",)),
    Column("account", "VARCHAR", "account that was asked; NULL where neither the inventory nor an ARN says", ("account",)),
    Column("item", "VARCHAR", "what it is about: distribution, realtime_config, delivery, delivery_source, delivery_destination, web_acl, waf_logging or caller", ("item",)),
    Column("call", "VARCHAR", "the API call, named as the IAM action that allows it: logs:DescribeDeliveries", ("call",)),
    Column("outcome", "VARCHAR", "item: one thing that an answer tells of; of the call itself complete: it told of everything; partial: there is more; refused: AWS denied it; failed: there was no answer", ("outcome",)),
    Column("whole", "BOOLEAN", "of an item: whether its answer told of everything there was", ("whole",)),
    Column("distribution", "VARCHAR", "distribution it is about, where it is about one", ("distribution",)),
    Column("name", "VARCHAR", "ARN, id or name of the item", ("name",)),
    Column("reason", "VARCHAR", "why a call was refused or failed, or what an answer leaves open", ("reason",)),
    Column("said", "JSON", "what AWS said, as given; of a list, what is around its items. Configurations hold secrets: the values of custom origin headers", ("said",)),
    Column("object_id", "INTEGER", "the object this row was read from: `objects.object_id`"),
)

_CRAWLER_RANGES = (
    Column("time", "TIMESTAMP", "when this was true, UTC", ("time",)),
    Column("time_from", "VARCHAR", "where `time` comes from: answer, the file's own creationTime; file, the time of the file", ("time_from",)),
    Column("crawler", "VARCHAR", "whose addresses these are, as the name of the published file says: Googlebot, bingbot, GPTBot ...; NULL where it does not", ("crawler",)),
    Column("prefix", "VARCHAR", "the range as published: 192.0.2.0/27", ("prefix",)),
    Column("first_address", "VARCHAR", "its first address in 32 hexadecimal digits, IPv4 as IPv6 holds it (::ffff:192.0.2.0); texts that compare as addresses do", ("first_address",)),
    Column("last_address", "VARCHAR", "its last address, likewise", ("last_address",)),
    Column("object_id", "INTEGER", "the object this row was read from: `objects.object_id`"),
)

_LISTINGS = (
    Column("time", "TIMESTAMP", "when this was true, UTC", ("time",)),
    Column("time_from", "VARCHAR", "where `time` comes from: answer, the date in the saved answer; file, the time of its file", ("time_from",)),
    Column("bucket", "VARCHAR", "bucket; NULL where the listing does not name it, as the AWS command line does not", ("bucket",)),
    Column("key", "VARCHAR", "key of the object", ("key",)),
    Column("distribution", "VARCHAR", "distribution id in its name, as standard logs have it", ("distribution",)),
    Column("etag", "VARCHAR", "ETag without quotes: the MD5 of the bytes of an object put in one piece, `objects.md5`", ("etag",)),
    Column("bytes", "BIGINT", "size as stored", ("bytes",)),
    Column("last_modified", "TIMESTAMP", "when it was put there, UTC", ("last_modified",)),
    Column("storage_class", "VARCHAR", "STANDARD, GLACIER ...", ("storage_class",)),
    Column("object_id", "INTEGER", "the listing this row was read from: `objects.object_id`"),
)

_DISTRIBUTIONS = (
    Column("time", "TIMESTAMP", "when this was true, UTC"),
    Column("time_from", "VARCHAR", "where `time` comes from, as in `inventory`"),
    Column("distribution", "VARCHAR", "distribution id"),
    Column("arn", "VARCHAR", "its ARN"),
    Column("account", "VARCHAR", "account it belongs to"),
    Column("cdn_host", "VARCHAR", "its own name, dXXXX.cloudfront.net"),
    Column("status", "VARCHAR", "Deployed or InProgress"),
    Column("enabled", "BOOLEAN", "whether it answers requests at all"),
    Column("staging", "BOOLEAN", "whether it is a staging distribution"),
    Column("aliases", "VARCHAR[]", "names it answers for"),
    Column("comment", "VARCHAR", "its comment"),
    Column("web_acl", "VARCHAR", "ARN of its web ACL (AWS WAF Classic: its id); NULL where it has none or the answer does not say"),
    Column("last_modified", "TIMESTAMP", "when its configuration was last changed, UTC; only summaries and GetDistribution say"),
    Column("etag", "VARCHAR", "ETag of the configuration"),
    Column("config", "JSON", "the configuration as the API gave it, keys in PascalCase; NULL where only a summary was given"),
    Column("summary", "JSON", "the summary that ListDistributions gave: all but logging and what is rarely set"),
    Column("object_id", "INTEGER", "the object that says so: `objects.object_id`"),
)

_DELIVERIES = (
    Column("time", "TIMESTAMP", "when this was true, UTC"),
    Column("time_from", "VARCHAR", "where `time` comes from, as in `inventory`"),
    Column("account", "VARCHAR", "account it belongs to"),
    Column("kind", "VARCHAR", "legacy (standard logging v1), v2 (standard logging v2), realtime, connection or waf; NULL for a delivery whose source no answer tells of"),
    Column("distribution", "VARCHAR", "distribution whose requests are logged; NULL where none is known to be"),
    Column("web_acl", "VARCHAR", "ARN of the web ACL whose decisions are logged (kind waf)"),
    Column("enabled", "BOOLEAN", "true: logs are delivered; false: the configuration says they are not (legacy)"),
    Column("name", "VARCHAR", "name, id or ARN of the delivery or of the real-time configuration"),
    Column("destination", "VARCHAR", "bucket, stream or log group the logs go to; of a v2 delivery whose destination no answer tells of, the ARN of the destination"),
    Column("prefix", "VARCHAR", "prefix or suffix path under it"),
    Column("format", "VARCHAR", "w3c, json, parquet, plain or raw"),
    Column("fields", "VARCHAR[]", "fields it carries, where they are chosen"),
    Column("sampling_pct", "DOUBLE", "percent of the requests that are logged"),
    Column("cookies", "BOOLEAN", "whether cookies are logged"),
    Column("covers", "VARCHAR", "what is logged, where it is not everything: path patterns of cache behaviors (realtime), filters (waf)"),
    Column("detail", "JSON", "the delivery as the API gave it"),
    Column("whole", "BOOLEAN", "whether the answer told of every delivery there was"),
    Column("object_id", "INTEGER", "the object that says so: `objects.object_id`"),
)

_LOGGING = (
    Column("distribution", "VARCHAR", "distribution id; NULL stands for those that no answer names, where they could not be listed"),
    Column("account", "VARCHAR", "account it belongs to"),
    Column("kind", "VARCHAR", "legacy (standard logging v1), v2 (standard logging v2), realtime, connection or waf"),
    Column("state", "VARCHAR", "on; off: an answer shows that it is not; unknown: the call was refused, failed, or no answer is there"),
    Column("time", "TIMESTAMP", "when this was seen to be so, UTC"),
    Column("until", "TIMESTAMP", "when this kind was looked at next, UTC; NULL: this is the latest that is known"),
    Column("since", "TIMESTAMP", "the first look of those in a row that saw the same state, UTC"),
    Column("why", "VARCHAR", "what the state rests on: the refusal, or what an answer shows"),
    Column("deliveries", "BIGINT", "how many ways of this kind its logs are delivered: rows of `deliveries`"),
    Column("destination", "VARCHAR", "where they go; several are joined by a comma"),
    Column("fields", "VARCHAR[]", "fields that are in any of them, where they are chosen"),
    Column("sampling_pct", "DOUBLE", "percent of the requests that are logged"),
    Column("cookies", "BOOLEAN", "whether cookies are logged"),
    Column("covers", "VARCHAR", "what is logged, where it is not everything: path patterns of cache behaviors (realtime), filters (waf)"),
    Column("time_from", "VARCHAR", "where `time` comes from, as in `inventory`"),
    Column("object_id", "INTEGER", "the object that says so: `objects.object_id`"),
)
# fmt: on

REQUESTS = Table("requests", "One row for each request in an access log.", _REQUESTS, "request_id", rows="request_rows")
CHANGES = Table(
    "changes",
    "One row for each call in a trail that changed CloudFront, or what a distribution depends on.",
    _CHANGES,
    "event_id",
    unique=True,
)
WAF = Table("waf", "One row for each request that AWS WAF judged.", _WAF, "request_id")
CONNECTIONS = Table("connections", "One row for each mutual TLS connection.", _CONNECTIONS, "connection_id")
INVENTORY = Table(
    "inventory",
    "One row for each thing that an inventory, or a saved answer of the AWS API, tells of, and for what became of each call. "
    "Questions ask the views below.",
    _INVENTORY,
    states=True,
)
LISTINGS = Table(
    "listings",
    "One row for each object in a saved listing of a bucket (`aws s3api list-objects-v2`): what lies there, to hold the ledger against. "
    "`left join objects on objects.md5 = listings.etag and objects.bytes = listings.bytes` finds those that were not loaded.",
    _LISTINGS,
    states=True,
)
CRAWLER_RANGES = Table(
    "crawler_ranges",
    "One row for each range of addresses in a published list of a crawler's (`prefixes`, as Google, Bing, OpenAI and others publish them): "
    "a request that says it is the crawler and comes from elsewhere is not.",
    _CRAWLER_RANGES,
    states=True,
)
TABLES = {table.name: table for table in (REQUESTS, CHANGES, WAF, CONNECTIONS, INVENTORY, LISTINGS, CRAWLER_RANGES)}
"""Tables that records of objects go to, by name."""

DISTRIBUTIONS = Table(
    "distributions",
    "One row for each distribution in each inventory that was taken, or saved answer. "
    "`where time <= T order by time desc limit 1` is the latest at a moment.",
    _DISTRIBUTIONS,
    states=True,
)
DELIVERIES = Table(
    "deliveries",
    "One row for each way logs are delivered, in each inventory that was taken, or saved answer. Parts that lie in different objects are "
    "joined: the source and the destination nearest in time. That a distribution has no row here proves nothing: ask `logging_state`.",
    _DELIVERIES,
    states=True,
)
LOGGING_HISTORY = Table(
    "logging_history",
    "Whether the requests of a distribution were logged: one row for each distribution, kind, and time somebody looked. "
    "What was known at a moment T: `where time <= T and (until is null or until > T)`.",
    _LOGGING,
    states=True,
)
LOGGING_STATE = Table(
    "logging_state",
    "The same as far as is known now: one row for each distribution and kind. `where state <> 'on'` is what an auditor asks; `unknown` is "
    "never `off`.",
    _LOGGING,
    states=True,
)
VIEWS = {table.name: table for table in (DISTRIBUTIONS, DELIVERIES, LOGGING_HISTORY, LOGGING_STATE)}
"""Views over what an inventory tells, by name: `cfkit/sources/views/`."""
