"""What scanners ask for: composed, so that no two scanners have the same list; and what tools call themselves."""

from __future__ import annotations

from data.generator.dice import Dice

_DOT = (
    ".env .env.{e} .git/{g} .svn/entries .hg/hgrc .DS_Store .htaccess .htpasswd .aws/{a} .ssh/{s} .npmrc .netrc .pgpass .dockercfg "
    ".docker/config.json .vscode/sftp.json .idea/workspace.xml .bash_history .kube/config .gitlab-ci.yml .travis.yml "
    ".terraform/terraform.tfstate .my.cnf .s3cfg .well-known/../.env"
).split()
_FILLS = {
    "{e}": "local production bak dev staging old save test example 1".split(),
    "{g}": "config HEAD index logs/HEAD refs/heads/main packed-refs".split(),
    "{a}": "credentials config".split(), "{s}": "id_rsa authorized_keys id_ed25519 config".split(),
}  # fmt: skip
_ADMIN = (
    "wp-login.php wp-admin/ wp-config.php xmlrpc.php wp-json/wp/v2/users wp-content/debug.log administrator/ admin/ admin/login "
    "admin.php phpmyadmin/ pma/ mysql/ adminer.php phpinfo.php info.php server-status server-info actuator actuator/env "
    "actuator/heapdump jenkins/ manager/html solr/admin/ console/ _profiler/phpinfo telescope/requests horizon/ "
    "vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php cgi-bin/luci boaform/admin/formLogin HNAP1 owa/auth/logon.aspx "
    "remote/login api/v1/pods v2/_catalog graphql swagger-ui.html api-docs openapi.json config.json package.json composer.json "
    "Dockerfile docker-compose.yml web.config elmah.axd trace.axd debug/pprof/ nacos/ druid/index.html geoserver/web/ ReportServer "
    "setup.php install.php"
).split()
_NAMES = (
    "backup db dump site www shop database config old test prod dev data sql users export archive web htdocs public app source "
    "secret credentials private orders customers keys settings mysql wordpress magento release build logs error access"
).split()
_ENDINGS = ".zip .sql .tar.gz .bak .rar .7z .sql.gz .old .json .yml .log .ini .swp .tgz .conf ~".split()
_SHELLS = "shell c99 r57 wso cmd up x alfa mini b374k leaf 1 about priv8 fox wp-load2 index2 ws radio".split()
_LOW = "abcdefghijklmnopqrstuvwxyz0123456789"
TOOLS = (
    "sqlmap/1.{a}.{b}#stable (https://sqlmap.org)", "Mozilla/5.00 (Nikto/2.{a}.0) (Evasions:None) (Test:{c})",
    "Nuclei - Open-source project (github.com/projectdiscovery/nuclei)",
    "gobuster/3.{a}", "Fuzz Faster U Fool v2.{a}.0", "WPScan v3.{a}.{b} (https://wpscan.com/wordpress-security-scanner)",
    "feroxbuster/2.{a}.{b}", "WhatWeb/0.{a}.{b}",
    "DirBuster-1.0-RC1 (http://www.owasp.org/index.php/Category:OWASP_DirBuster_Project)", "Mozilla/5.0 zgrab/0.x",
    "httpx - Open-source project (github.com/projectdiscovery/httpx)",
    "masscan/1.{a} (https://github.com/robertdavidgraham/masscan)", "Arachni/v1.{a}.{b}", "Wfuzz/3.{a}.0",
)  # fmt: skip
LIBRARIES = (
    "python-requests/2.{c}.{a}",
    "Go-http-client/{d}.1",
    "curl/8.{c}.0",
    "Java/17.0.{a}",
    "libwww-perl/6.{c}",
    "axios/1.{a}.{b}",
    "Python/3.{c} aiohttp/3.{c}.{a}",
    "okhttp/4.{c}.0",
    "",
)
OLD_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.{n}.{c} Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:{f}.0) Gecko/20100101 Firefox/{f}.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_{y}_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{x}.1.2 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
)  # fmt: skip


def agent(dice: Dice, patterns: tuple[str, ...]) -> str:
    fills = {"a": dice.between(1, 9), "b": dice.between(0, 9), "c": dice.between(10, 34), "d": dice.between(1, 2),
        "v": dice.between(79, 124), "n": dice.between(3_000, 5_500),
             "f": dice.between(78, 128), "y": dice.between(12, 15), "x": dice.between(12, 16)}  # fmt: skip
    return dice.pick(patterns).format(**fills)


def sensitive(dice: Dice) -> str:
    """A path of something that should not lie about."""
    kind = dice.below(10)
    if kind < 5:
        path = dice.pick(_DOT)
        for mark, words in _FILLS.items():
            path = path.replace(mark, dice.pick(words))
    elif kind < 8:
        path = (
            dice.pick(_NAMES)
            + dice.pick(("", "", str(dice.between(1, 9)), "_" + dice.token(2, _LOW), "-2025", "-2026", dice.pick(_NAMES)))
            + dice.pick(_ENDINGS)
        )
    else:
        path = dice.pick(_ADMIN)
    where = dice.pick(("", "", "", "", "api/", "app/", "old/", "backend/", "public/", "shop/", "backup/", "v1/", "admin/", "new/"))
    return f"/{where}{path}"


def shell(dice: Dice) -> str:
    name = dice.pick(_SHELLS) if dice.chance(0.6) else dice.token(dice.between(3, 7), _LOW)
    folder = dice.pick(("", "uploads/", "images/", "wp-content/uploads/", "files/", "tmp/", "media/", "assets/"))
    return f"/{folder}{name}.{dice.pick(('php', 'php', 'jsp', 'aspx', 'phtml', 'php5'))}"


def wordlist(dice: Dice, count: int, mostly_sensitive: float = 0.5) -> list[str]:
    """`count` different paths, in an order of their own."""
    found: dict[str, None] = {}
    while len(found) < count:
        pick = dice.random()
        if pick < mostly_sensitive:
            path = sensitive(dice)
        elif pick < mostly_sensitive + 0.1:
            path = shell(dice)
        elif pick < mostly_sensitive + 0.3:
            path = "/" + dice.pick(_ADMIN)
        else:
            stem = dice.pick(_NAMES) + dice.pick(("", "s", "-" + dice.pick(_NAMES), "_" + dice.token(2, _LOW), str(dice.below(99))))
            path = (
                f"/{dice.pick(('', '', 'api/', 'shop/', 'v1/', 'static/'))}{stem}{dice.pick(('/', '', '.php', '.html', '.aspx', '.json'))}"
            )
        found[path] = None
    return list(found)
