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

_DISTRIBUTIONS = (
    Column("time", "TIMESTAMP", "when this was true, UTC: the moment of asking, or the date of the saved answer", ("time",)),
    Column("distribution", "VARCHAR", "distribution id", ("distribution",)),
    Column("arn", "VARCHAR", "its ARN", ("arn",)),
    Column("account", "VARCHAR", "account it belongs to", ("account",)),
    Column("cdn_host", "VARCHAR", "its own name, dXXXX.cloudfront.net", ("cdn_host",)),
    Column("status", "VARCHAR", "Deployed or InProgress", ("status",)),
    Column("enabled", "BOOLEAN", "whether it answers requests at all", ("enabled",)),
    Column("staging", "BOOLEAN", "whether it is a staging distribution", ("staging",)),
    Column("aliases", "VARCHAR[]", "names it answers for", ("aliases",)),
    Column("comment", "VARCHAR", "its comment", ("comment",)),
    Column("web_acl", "VARCHAR", "ARN or id of its web ACL; absent where it has none", ("web_acl",)),
    Column("last_modified", "TIMESTAMP", "when its configuration was last changed, UTC", ("last_modified",)),
    Column("etag", "VARCHAR", "ETag of the configuration", ("etag",)),
    Column("config", "JSON", "the configuration as the API gave it; NULL where only a summary was given", ("config",)),
    Column("object_id", "INTEGER", "the object this row was read from: `objects.object_id`"),
)

_DELIVERIES = (
    Column("time", "TIMESTAMP", "when this was true, UTC", ("time",)),
    Column("kind", "VARCHAR", "legacy (standard logging v1), v2 (standard logging v2), realtime, connection or waf", ("kind",)),
    Column("distribution", "VARCHAR", "distribution whose requests are logged; NULL for a delivery that no distribution uses", ("distribution",)),
    Column("web_acl", "VARCHAR", "ARN of the web ACL whose decisions are logged (kind waf)", ("web_acl",)),
    Column("enabled", "BOOLEAN", "true: logs are delivered; false: the answer says they are not", ("enabled",)),
    Column("name", "VARCHAR", "name or id of the delivery or of the real-time configuration", ("name",)),
    Column("destination", "VARCHAR", "bucket, stream or log group the logs go to", ("destination",)),
    Column("prefix", "VARCHAR", "prefix or suffix path under it", ("prefix",)),
    Column("format", "VARCHAR", "w3c, json, parquet, plain or raw", ("format",)),
    Column("fields", "VARCHAR[]", "fields it carries, where they are chosen", ("fields",)),
    Column("sampling_pct", "DOUBLE", "percent of the requests that are logged", ("sampling_pct",)),
    Column("cookies", "BOOLEAN", "whether cookies are logged (legacy)", ("cookies",)),
    Column("detail", "JSON", "the delivery as the API gave it", ("detail",)),
    Column("object_id", "INTEGER", "the object this row was read from: `objects.object_id`"),
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
DISTRIBUTIONS = Table("distributions", "One row for each distribution in each inventory that was taken.", _DISTRIBUTIONS)
DELIVERIES = Table("deliveries", "One row for each way logs are delivered, in each inventory that was taken.", _DELIVERIES)
TABLES = {table.name: table for table in (REQUESTS, CHANGES, WAF, CONNECTIONS, DISTRIBUTIONS, DELIVERIES)}
"""Tables that records of objects go to, by name."""


def markdown() -> str:
    """The tables and their columns as a page for people."""
    lines = [
        "# The tables of a case",
        "",
        "Absent values are NULL, times are UTC, units are in names. Written by `make docs` from `cfkit/sources/columns.py`.",
    ]
    for table in TABLES.values():
        lines += ["", f"## `{table.name}`", "", table.about, "", "| column | type | meaning | log field |", "| --- | --- | --- | --- |"]
        for column in table.columns:
            fields = ", ".join(f"`{name}`" for name in column.fields)
            lines.append(f"| `{column.name}` | {column.type} | {column.meaning} | {fields} |")
    return "\n".join(lines) + "\n"
