"""The AWS APIs of an inventory on loopback: moto's server behind a front that counts calls, and denies, throttles or answers when a test
says so. Calls are named as the IAM actions that allow them. What moto lacks the front adds: real-time log configurations, the list of
what AWS WAF logs, and connection logs, which it takes delivery sources named `tls` to be of.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import boto3

READING = ("Get", "List", "Describe")
_TARGETS = {"Logs_20140328": "logs", "AWSWAF_20190729": "wafv2"}
_CONFIG = re.compile(r"/2020-05-31/distribution/(\w+)/config")


@dataclass
class _Fault:
    call: str
    act: Callable[[_Handler], None]
    left: int
    where: str


class Front:
    """`asked`: calls in order; `regions`: those their signatures are for. `streams` and `waf_logging`: real-time log configurations and
    logging configurations of AWS WAF, as boto3 gives them."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target).netloc
        self.asked: list[str] = []
        self.regions: set[str] = set()
        self.streams: list[dict[str, Any]] = []
        self.waf_logging: list[dict[str, Any]] = []
        self.held = threading.Event()  # set when a call is being held
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.front = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Front:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def clear(self) -> None:
        """As new, but for what is in the account."""
        self.asked, self.regions, self._faults = [], set(), []
        self.held.clear()

    def client(self, service: str) -> Any:
        """Past the front, to make things in the account."""
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        return boto3.client(service, region_name="us-east-1", endpoint_url=f"http://{self.target}", **keys)

    def refuse(self, call: str, code: str, message: str = "", *, status: int = 403, times: int = 10**9, where: str = "") -> None:
        """Answer with an error, in the words of the service's protocol. `call` may end in `*`; `where`: only paths or bodies with that."""
        self._faults.append(_Fault(call, lambda handler: handler.error(status, code, message), times, where))

    def deny(self, call: str, where: str = "") -> None:
        code = "AccessDenied" if call.startswith(("cloudfront", "sts")) else "AccessDeniedException"
        self.refuse(call, code, f"User: arn:aws:iam::123456789012:user/eve is not authorized to perform: {call}", where=where)

    def answer(self, call: str, *bodies: dict[str, Any]) -> None:
        """Answer a JSON call with these, one after the other."""
        for body in bodies:
            data = json.dumps(body).encode()
            self._faults.append(_Fault(call, lambda handler, data=data: handler.send(200, data), 1, ""))  # type: ignore[misc]

    def reset(self, call: str) -> None:
        """Close the connection without a word."""
        self._faults.append(_Fault(call, lambda handler: handler.hang_up(), 10**9, ""))

    def hold(self, call: str) -> None:
        """Never answer."""
        self._faults.append(_Fault(call, lambda handler: handler.wait(), 10**9, ""))

    def fault(self, call: str, text: str) -> Callable[[_Handler], None] | None:
        with self._lock:
            self.asked.append(call)
            for fault in self._faults:
                hit = call.startswith(fault.call[:-1]) if fault.call.endswith("*") else fault.call == call
                if hit and fault.left > 0 and fault.where in text:
                    fault.left -= 1
                    return fault.act
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    front: Front

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _handle(self) -> None:
        front = self.server.front
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.call = self._named(body)
        scope = re.search(r"Credential=[^/]*/\d+/([\w-]+)/", self.headers.get("Authorization", ""))
        front.regions.add(scope[1] if scope else "unsigned")
        if act := front.fault(self.call, self.path + body.decode()):
            act(self)
        elif self.call == "cloudfront:ListRealtimeLogConfigs":
            self.send(200, _streams(front.streams))
        elif self.call == "wafv2:ListLoggingConfigurations":
            self.send(200, json.dumps({"LoggingConfigurations": front.waf_logging}).encode())
        else:
            upstream = http.client.HTTPConnection(front.target, timeout=60)
            upstream.request(self.command, self.path, body or None, dict(self.headers))
            answer = upstream.getresponse()
            said = answer.read()
            if self.call == "logs:DescribeDeliverySources":
                said = _with_connection_logs(said)
            self.send(answer.status, said, dict(answer.getheaders()))
            upstream.close()

    do_GET = do_POST = do_PUT = do_DELETE = _handle

    def _named(self, body: bytes) -> str:
        service, _, operation = self.headers.get("X-Amz-Target", "").partition(".")
        if service:
            return f"{_TARGETS[service]}:{operation}"
        if b"Action=" in body:
            return f"sts:{parse_qs(body.decode())['Action'][0]}"
        path = self.path.partition("?")[0]
        if self.command == "GET" and _CONFIG.fullmatch(path):
            return "cloudfront:GetDistributionConfig"
        paths = {"/2020-05-31/distribution": "ListDistributions", "/2020-05-31/realtime-log-config": "ListRealtimeLogConfigs"}
        return f"cloudfront:{paths.get(path, path) if self.command == 'GET' else self.command + ' ' + path}"

    def error(self, status: int, code: str, message: str) -> None:
        if self.call.startswith(("logs:", "wafv2:")):
            self.send(400 if status == 403 else status, json.dumps({"__type": f"com.amazonaws#{code}", "message": message}).encode())
        else:
            said = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            self.send(status, f"<ErrorResponse>{said}<RequestId>r-1</RequestId></ErrorResponse>".encode())

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "keep-alive"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(2)

    def wait(self) -> None:
        self.server.front.held.set()
        threading.Event().wait(120)

    def log_message(self, *_: object) -> None:
        pass


def _with_connection_logs(said: bytes) -> bytes:
    answer = json.loads(said)
    for each in answer["deliverySources"]:
        each["logType"] = "CONNECTION_LOGS" if each["name"] == "tls" else each["logType"]
    return json.dumps(answer).encode()


def _streams(configs: list[dict[str, Any]]) -> bytes:
    """An answer of ListRealtimeLogConfigs, as the service model of botocore describes it."""
    items = ""
    for each in configs:
        fields = "".join(f"<member>{escape(name)}</member>" for name in each["Fields"])
        ends = "".join(
            f"<member><StreamType>Kinesis</StreamType><KinesisStreamConfig><RoleARN>{end['RoleARN']}</RoleARN>"
            f"<StreamARN>{end['StreamARN']}</StreamARN></KinesisStreamConfig></member>"
            for end in (end["KinesisStreamConfig"] for end in each["EndPoints"])
        )
        items += (
            f"<member><ARN>{each['ARN']}</ARN><Name>{each['Name']}</Name><SamplingRate>{each['SamplingRate']}</SamplingRate>"
            f"<EndPoints>{ends}</EndPoints><Fields>{fields}</Fields></member>"
        )
    return (
        '<?xml version="1.0"?><RealtimeLogConfigs xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><MaxItems>100</MaxItems>'
        f"<Items>{items}</Items><IsTruncated>false</IsTruncated><Marker></Marker></RealtimeLogConfigs>"
    ).encode()
