-- Attack traffic found in the requests of the scope. The kit runs this when a query reads what it makes. In the duckdb shell, on a case:
--     create temp view numbered_requests as select rowid as row_id, true as in_scope, * from request_rows;
--     .read cfkit/queries/attacks.sql
-- and then the SQL of a query, with its parameters typed in.
--
-- What it makes, all temporary:
--     payloads   one row for each (kind, part of the request, distinct value): the decoded text, the signals in it, their weights added up
--     attacks    one row for each (kind, request): the same, and what became of the request
--     attack_episodes(kind, gap, min_score, who)  one row for each client (or network) and stretch of time; what the detections return
--
-- Distinct values are matched, not rows: ten million requests have some ten thousand. A cheap expression picks those that could be anything,
-- they are decoded until nothing changes, and only then the rules look at them. A rule adds a weight: 3 is what nobody writes by accident,
-- 2 what is rare in honest traffic, 1 what only counts beside others. A detection wants 3 by default.
-- Rules follow public descriptions of the attacks: OWASP's testing guide and cheat sheets, MITRE CWE, vendors' advisories.

-- --- decoding ------------------------------------------------------------------------------------------------------------------

-- Overlong UTF-8 (%c0%ae is a dot that a strict decoder refuses), %uXXXX of old IIS, full-width forms: each brought to %XX.
create or replace temp macro plain_percent(x) as
    case when regexp_matches(x, '%(u[0-9a-f]{4}|c[01]%|e0%8|f0%80%8|ef%bc%)') then
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        regexp_replace(regexp_replace(x,
            '%u00([0-9a-f]{2})', '%\1', 'g'),
            '%c[01]%([25][ecf])', '%\1', 'g'),
            '%(?:c0|e0%80|f0%80%80)%a([0-9a-f])', '%2\1', 'g'),
            '%(?:c0|e0%80|f0%80%80)%b([0-9a-f])', '%3\1', 'g'),
            '%(?:c1|e0%81|f0%80%81)%8([0-9a-f])', '%4\1', 'g'),
            '%(?:c1|e0%81|f0%80%81)%9([0-9a-f])', '%5\1', 'g'),
            '%(?:c1|e0%81|f0%80%81)%a([0-9a-f])', '%6\1', 'g'),
            '%(?:c1|e0%81|f0%80%81)%b([0-9a-f])', '%7\1', 'g'),
            '%(?:uff0|ef%bc%8)([0-9a-f])', '%2\1', 'g'),
            '%(?:uff1|ef%bc%9)([0-9a-f])', '%3\1', 'g'),
            '%(?:uff2|ef%bc%a)([0-9a-f])', '%4\1', 'g'),
            '%(?:uff3|ef%bc%b)([0-9a-f])', '%5\1', 'g'),
            '%(?:uff4|ef%bd%8)([0-9a-f])', '%6\1', 'g'),
            '%(?:uff5|ef%bd%9)([0-9a-f])', '%7\1', 'g')
    else x end;

-- %XX; bytes that are no UTF-8 stay as they are while the rest is decoded. A %00 goes, so that it hides nothing behind it.
create or replace temp macro percent_decoded(x) as
    case when contains(x, '%')
        then coalesce(
            lower(narrow(try(url_decode(replace(x, '%00', ''))))),
            lower(url_decode(regexp_replace(replace(x, '%00', ''), '%([89a-f][0-9a-f])', '%25\1', 'g'))))
    else x end;

-- &#60; &#x3c; &lt; and \x3c \u003c: entities of HTML and escapes of JavaScript, ASCII ones.
create or replace temp macro unescaped(x) as
    case when regexp_matches(x, '&[#a-z]|\\[ux]') then
        array_to_string(list_transform(string_split(
            regexp_replace(regexp_replace(
            replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(x,
                '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&apos;', ''''), '&colon;', ':'), '&sol;', '/'), '&lpar;', '('), '&rpar;', ')'),
                '&tab;', ' '), '&newline;', ' '), '&dollar;', '$'), '&amp;', '&'),
            '&#x0*([2-7][0-9a-f]);?', '%\1', 'g'),
            '\\(?:u00|u\{0*|x)([2-7][0-9a-f])\}?', '%\1', 'g'), '&#'),
            lambda piece, n: case when n = 1 then piece
                when regexp_matches(piece, '^0*(3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])(;|[^0-9]|$)')
                    then chr(cast(regexp_extract(piece, '^0*([0-9]+)', 1) as integer)) || regexp_replace(piece, '^[0-9]+;?', '')
                else '&#' || piece end), '')
    else x end;

create or replace temp macro narrow(x) as translate(x, '！＂＃＄％＆＇（）＊＋，－．／：；＜＝＞？＠［＼］＾＿｀｛｜｝', '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}');

-- Log4j resolves what it nests: ${${lower:j}ndi:…}, ${${::-j}${env:NO:-n}di:…}. Innermost first.
create or replace temp macro lookup_resolved(x) as
    regexp_replace(regexp_replace(regexp_replace(x,
        '\$\{[^{}$]*(?::-|(?:lower|upper):)([^{}$:]*)\}', '\1', 'g'),
        '\$\{[^{}$]*(?::-|(?:lower|upper):)([^{}$:]*)\}', '\1', 'g'),
        '\$\{[^{}$]*(?::-|(?:lower|upper):)([^{}$:]*)\}', '\1', 'g');

create or replace temp macro signal(hit, weight, words) as case when hit then {'weight': weight, 'words': words} end;

-- --- the values that could be something -------------------------------------------------------------------------------------------

create or replace temp table own_hosts as
with named as (
    select host as name from requests group by host union select cdn_host from requests group by cdn_host
)
-- www.shop.example and shop.example are one owner; nobody owns cloudfront.net with us
select distinct case
    when name like '%.cloudfront.net' then lower(name)
    else regexp_extract(lower(name), '([^.]+\.)?([^.]+\.(co|com|org|net|gov|ac|edu)\.[a-z]{2}|[^.]+\.[^.]+)$', 2) end as name
from named
where name is not null and name like '%.%';

create or replace temp table suspicious as
with asked as (
    select 'query' as part, query as value from requests where query is not null group by query
    union all
    select 'path', path from requests where path is not null group by path
    union all
    select 'referer', referer from requests where referer is not null group by referer
    union all
    select 'user_agent', user_agent from requests where user_agent is not null group by user_agent
)
select part, value from asked
where case part
    when 'query' then regexp_matches(value, '(?i)[''"<>`;|(){}\[\\$^!]|\.\.|--|/\*|//|@|%(%|25|u[0-9a-f]{4}|c[01]|e0|f0|ef|0[0-9a-d]|2[1246789aef]|3[abce]|5[bcde]|60|7[b-e])|&#|[０-９！-／：-＠]|etc/|169\.254|\.(env|git|htaccess|php|jsp|asp|ini)|(or|and)([+ (]|%20)+[0-9]|[0-9]([+ )]|%20)*(or|and|xor|order|group|having|union|rlike)([+ (]|%20)|select|union|=(whoami|id|ls|cat|uname|env|ps|df|dir|w|pwd|net|wget|curl|ping|type|hostname|systeminfo|tasklist|netstat|ifconfig|ipconfig|nc|bash|sh|cmd|powershell)($|[&+ /])|meta-?data|aced0005|ro0ab|classloader|allow_url|proc/self|win\.ini|passw')
    when 'path' then regexp_matches(value, '(?i)[''"<>`;|{}\\$^]|\(|\.\.|--|/\*|%|/\.|~|[！-／：-＠]|//|meta-?data|user-?data|169\.254|computemeta|web-inf|etc/|union|select|jndi|proc/self|win\.ini|boot\.ini|system32|\.(php|phtml|jsp|jspx|asp|aspx|ashx|cgi|pl|py|sh|bak|back|backup|old|orig|save|swp|sql|sqlite|db|dump|tar|tgz|gz|zip|rar|7z|log|pem|key|p12|pfx|ini|conf|config|cfg|inc|yml|yaml|properties|axd|env|tfstate|tfvars|mdb|ppk|kdbx)([^a-z]|$)|server-(status|info)|phpinfo|actuator|heapdump|pprof|_profiler|telescope|id_rsa|id_dsa|id_ed25519|credentials|secrets?\b|composer|package|docker|htpasswd|jenkins|phpmyadmin|adminer')
    when 'referer' then regexp_matches(value, '(?i)[''"<>`|(){}\\$]|\.\./|%(25|u[0-9a-f]{4}|c[01]|2[124789]|3[ce]|60|7[b-d])|union|jndi')
    else regexp_matches(value, '(?i)[''"<>`{}\\$|]|\.\./|%2|select|union|sleep|jndi|/bin/|\(\) ?\{|;\s*(wget|curl|cat|id|bash|sh|ping|nc)\b')
end;

create or replace temp table decoded as
with recursive step (part, value, text, round) as (
    -- In a query a + is a space, and those who attack routers write it so in paths too.
    select part, value, narrow(lower(case when part in ('query', 'path') then replace(value, '+', ' ') else value end)), 0 from suspicious
    union all
    select part, value, next_text, round + 1
    from (
        select part, value, text, unescaped(percent) as next_text, round
        from (
            select part, value, text, percent_decoded(plain) as percent, round
            from (select part, value, text, plain_percent(text) as plain, round from step where round < 8 and regexp_matches(text, '[%\\&]')) as one
        ) as two
    ) as three
    where next_text <> text
),

last_step as (
    select part, value, max(round) as rounds, arg_max(text, round) as text from step group by part, value
)

select
    part,
    value,
    rounds,
    regexp_replace(text, '[\x00-\x20\x7f]+', ' ', 'g') as text,
    -- for shells: the end of a line ends a command
    regexp_replace(regexp_replace(text, '[\r\n]+', '%0a', 'g'), '[\x00-\x20\x7f]+', ' ', 'g') as lines,
    -- for SQL: comments are spaces, and /*!50000union*/ is union
    case when contains(text, '/*') or regexp_matches(text, '\s{2}|[\x00-\x1f\x{a0}]')
        then regexp_replace(regexp_replace(regexp_replace(text, '/\*[^!*/](?:[^*]|\*[^/])*?\*/|/\*{2,}/', ' ', 'g'), '/\*!\d*|\*/', ' ', 'g'), '[\s\x00-\x20\x{a0}]+', ' ', 'g')
        else text end as flat,
    -- what follows an operator of the shell is the business of another rule
    regexp_matches(text, '(;|\||&|`|\$\()\s*(/[\w/]*bin/)?(cat|ls|id|whoami|uname|php|perl|python[23]?|ruby|sh|bash|wget|curl|nc|ping|nslookup|sleep|echo|env|ps|ifconfig|ipconfig|dir|type|head|tail|netstat|pwd)\b') as shell,
    -- what no browser and no form does: dots, quotes or brackets encoded twice, overlong UTF-8, %u
    regexp_matches(value, '(?i)%(25)+(2[27e]|3[ce]|5c|00|32|u)|%c[01]%|%(e0%8|f0%80%8)|%u00[23457]|%u(ff0|221)|%%3') as disguised,
    regexp_matches(value, '(?i)%(25)*(2e|5c|c0|c1|%3)|\.\.(%(25)*2f|;|\\)|\.{4,}/') and part <> 'query'
        or regexp_matches(value, '(?i)%(25)*2e|%(25)*5c|%25(25)*2f|%c[01]%|%u(00|22|ff)|%%3|\.{4,}(/|%2f)|\.\.(;|%3b)') and part = 'query' as dots_hidden
from last_step;

-- --- the rules -----------------------------------------------------------------------------------------------------------------

create or replace temp table payloads as
with sql_injection as (
    select part, value, flat as text, 'sql_injection' as kind, [
        signal(regexp_matches(flat, '\bunion ?\(?( ?all| ?distinct)? ?\(?select\b ?[( ]*(null|[0-9@''"*]|0x|char|chr|concat|group_concat|version|user|database|load_file|cast|convert|unhex|hex|[a-z_.]+ ?,|[a-z_.*()]+ from\b)'), 3, 'union select'),
        signal(regexp_matches(flat, '\bunion (all |distinct )?select\b'), 1, 'union'),
        signal(regexp_matches(flat, '\b(from|join|into) ?[`"(\[]?(information_schema|pg_catalog|mysql ?\.|sysobjects|syscolumns|sys ?\.|sqlite_master|sqlite_schema|all_tables|user_tables|dual\b|master ?\.)'), 3, 'reads the catalogue'),
        signal(regexp_matches(flat, 'information_schema|pg_catalog|sqlite_master|sysobjects|xp_cmdshell|@@(version|hostname|datadir)|mysql\.user|pg_shadow'), 2, 'names of the catalogue'),
        -- a quote or a number, and / or, and two constants that are compared
        signal(regexp_matches(flat, '[''"`)\]]\W{0,6}(\bor\b|\band\b|\bxor\b|\|\||&&)\W{0,4}(not |-|!)?\(*(''[^''&]{0,6}''? ?(=|like|<|>|!=|regexp) ?\(*''|"[^"&]{0,6}"? ?(=|like|<|>|!=|regexp) ?\(*"|[0-9]+ ?(=|<|>|!=|<>|like|rlike|regexp|div|in ?\() ?[(''"]?[0-9]*|(true|false) ?(--|#|;|$|&))'), 3, 'always true or false'),
        signal(regexp_matches(flat, '(=|\b|-)[0-9]+[ )]*\b(or|and|xor)\b[ (]+(not )?-?[0-9]+ ?(=|<|>|!=|<>|like) ?\(?-?[0-9]+'), 3, 'always true or false'),
        signal(regexp_matches(flat, '\b(or|and|xor)\b ?\(*(''\w{1,8}''|"\w{1,8}") ?(=|like) ?\(*[''"]\w{1,8}($|&| ?--| ?#| ?/\*)'), 3, 'always true or false'),
        signal(regexp_matches(flat, '(\||&)(\||&) ?[''"]?[0-9]+[''"]? ?= ?[''"]?[0-9]+'), 2, 'always true or false'),
        signal(regexp_matches(flat, '[''"`)] ?(or|and) ?\(*[a-z_.]+\)* ?(is not null|like ?[''"]%|rlike ?[''"]|regexp ?[''"])'), 3, 'guesses a column'),
        signal(regexp_matches(flat, '\b(or|and|where|when|if|xor|not|rlike)\b ?\(* ?(not )?(exists ?)?\( ?\(* ?select\b'), 3, 'asks a subquery'),
        signal(regexp_matches(flat, '\( ?select\b[^&]{1,200}\bfrom\b'), 2, 'a subquery'),
        signal(regexp_matches(flat, '[''"`)0-9] ?[-+*/|,=]{1,2} ?\( ?select\b|\(select ?\*? ?from ?\(select|\bselect\(|\bselect ?\*|\bfrom\('), 2, 'a subquery in an expression'),
        signal(regexp_matches(flat, '\bpg_sleep ?\(|\bbenchmark ?\( ?[0-9]{3,} ?,|\bwaitfor delay ?[''"(]|dbms_pipe ?\. ?receive_message|dbms_lock ?\. ?sleep|\b(dbms_session|user_lock) ?\. ?sleep|\bregexp_substring ?\( ?repeat ?\(|\bcrypt_key ?\( ?''|\brandomblob ?\( ?[0-9]{5,}|generate_series ?\( ?1 ?, ?[0-9]{5,}'), 3, 'makes the database wait'),
        signal(regexp_matches(flat, '\bcount ?\( ?\*? ?\) from (all_users|sysibm|rdb\$|domain\.|sysmaster|syscolumns|sysusers|information_schema|generate_series)'), 3, 'makes the database wait'),
        signal(regexp_matches(flat, '\bcase (when )?\(?[0-9]+ ?(=|>|<|when) ?[0-9]+\)? then\b|\b(iif|if) ?\( ?[0-9]+ ?= ?[0-9]+ ?[,)]|\bhaving [0-9]+ ?[=<>] ?[0-9]+|[''")] ?\([0-9]{3,5} ?= ?[0-9]{3,5}\)|\bdeclare @\w+ n?(var)?char|\bbegin if ?\('), 3, 'always true or false'),
        signal(regexp_matches(flat, '(^|[^.\w])sleep ?\( ?[0-9.]+ ?\)'), 2, 'sleep()'),
        signal(regexp_matches(flat, '(or|and|xor|select|if ?\(|when|then|[''")|&*/+-]|rlike|[0-9]) ?!?\(* ?!?sleep ?\( ?[0-9(]'), 1, 'sleep() in a condition'),
        signal(regexp_matches(flat, '[''"`)0-9]? ?; ?(drop (table|database|schema|view|user|function)|insert into|delete from|update [\w.`"]+ set|exec(ute)? |declare @?\w+|create (table|user|function|login|or replace)|alter (table|user|login)|truncate table|shutdown\b|select (pg_|[\w*]+ from|@@|sleep|user|version|[0-9])|waitfor|copy |grant |merge into)'), 3, 'a second statement'),
        signal(regexp_matches(flat, '\b(drop table|insert into \w+ ?(\(|values)|delete from \w+ where|update \w+ set \w+ ?=|truncate table)'), 1, 'a statement'),
        signal(not shell and regexp_matches(flat, '''[ )]*(--|;? ?--)([ +-]|\W?\w{0,8}$|&|$)|''[)]* ?;? ?#( |\w{0,8}$|$)|''[)]* ?/\*'), 3, 'ends the text and comments out the rest'),
        signal(regexp_matches(flat, '["`)0-9][)]* ?;?(--|#|/\*)( ?[-+])?(&|\w{0,8}$)'), 1, 'comments out the rest'),
        signal(regexp_matches(flat, '[''"`)] ?(order by|group by) [0-9]{1,3}\b|\b(order by|group by) [0-9]{1,3} ?(--|#|;|/\*)|\bhaving ?[(''"]*[0-9]+[''"]* ?[=<>]'), 3, 'counts columns'),
        signal(regexp_matches(flat, '(=|\b)-?[0-9]+[)]* (order|group) by [0-9]{1,3}\b'), 2, 'counts columns'),
        signal(regexp_matches(flat, '\b(extractvalue|updatexml) ?\( ?[^,&]{0,40},|\bprocedure analyse ?\(|\bfloor ?\( ?rand ?\(|\bexp ?\( ?~|\bgtid_subset ?\(|\bjson_keys ?\( ?\(|\bctxsys\.|\butl_(http|inaddr)|\bxmltype ?\( ?chr|\bconvert ?\( ?(int|varchar)\w* ?,|\bcast ?\( ?\(? ?(select|chr|char|version)|\b(ascii|ord|hex|unicode) ?\( ?(substr|substring|mid|left|\(? ?select)|\b(substr|substring|mid) ?\( ?\(? ?(select|@@|version|user|database|current_)|\bmake_set ?\(|\belt ?\( ?[0-9]+ ?='), 3, 'makes an error speak'),
        signal(regexp_matches(flat, '\b(group_concat|load_file|concat_ws|xp_dirtree|sp_password|sp_oacreate|openrowset|lo_import|pg_read_file|database|current_user|system_user) ?\(|\binto (out|dump)file\b|\bcase when .{1,120}\bthen\b'), 2, 'functions of the database'),
        signal(regexp_matches(flat, '\binto (out|dump)file ?[''"]|\bload_file ?\( ?[''"0c]'), 2, 'reads or writes files'),
        signal(regexp_matches(flat, '\bcha?r ?\( ?[0-9]{2,3} ?([,)|+]).*\b(cha?r ?\(|[0-9]{2,3} ?\))|\bconcat ?\( ?(0x|cha?r ?\(|@@|version|user|database|''[~:|]|[\w.]+ ?, ?0x)'), 2, 'spells text in numbers'),
        signal(regexp_matches(flat, '\b0x[0-9a-f]{6,}'), 1, 'text in hexadecimal'),
        signal(regexp_matches(flat, '\b(pass(word|wd)?|pwd|user(name)?|login|email|token)\[\$?(ne|gt|gte|regex|exists|nin)\]|[''"] ?\|\| ?[''"]?[0-9]+[''"]? ?==|\$where[''"]? ?[:=].{0,40}(sleep|return|this\.)'), 3, 'an operator in a login'),
        -- what a quote alone says is little
        signal(regexp_matches(flat, '=[^&=]{0,20}[''"]([)]*)(&|$)|=[''"`)]+(&|$)'), 1, 'a lone quote'),
        signal(disguised and regexp_matches(flat, '[''"]|select|union|\b(or|and)\b'), 1, 'encoded more than once')
    ] as signals
    from decoded
    where regexp_matches(flat, '[''"`)]|union|select|\b(or|and|order by|group by|having|xor)\b|sleep|waitfor|benchmark|information_schema|; ?\w|--|\|\||@@|0x|\[\$?(ne|gt|regex|nin|exists)')
),

cross_site_scripting as (
    select part, value, text, 'cross_site_scripting' as kind, [
        signal(regexp_matches(text, '<script[^a-z]?[^>&]{0,80}>[^<]{0,200}(\(|=|`|document|window|eval|src|this|location)|<script[ /][^>]{0,100}\bsrc ?=|</script ?><script'), 3, 'a script element'),
        signal(regexp_matches(text, '<script\b|</script'), 2, 'a script tag'),
        signal(regexp_matches(text, '<[a-z!?/][^>]{0,300}[\s/''"`]on[a-z]{3,20} ?='), 3, 'a tag with an event handler'),
        signal(regexp_matches(text, '[''"`]\W{0,20}\bon(error|load|click|dblclick|mouse[a-z]{2,6}|focus|focusin|blur|change|input|key[a-z]{2,5}|submit|toggle|wheel|copy|cut|paste|drag[a-z]{0,6}|pointer[a-z]{2,6}|animation[a-z]{3,9}|transition[a-z]{3,6}|begin|start|auxclick|contextmenu|scroll[a-z]{0,3}) ?= ?[''"`]?[a-z(\[{/]'), 3, 'an event handler after a quote'),
        signal(regexp_matches(text, '(=|[''"`(\s>/]|^)\W{0,3}(java|vb|live)\s*script\s*:\s*[^&]{0,120}(alert|confirm|prompt|eval|document|window|fetch|location|top|self|parent|import|constructor|msgbox|atob|//)'), 3, 'a javascript: address'),
        signal(regexp_matches(text, '<(iframe|svg|img|image|object|embed|video|audio|source|details|marquee|math|base|body|meta|link|isindex|form|input|textarea|select|style|a|template|noscript|xss|frameset|applet|button|keygen)[\s/][^>]{0,300}(src|href|data|srcdoc|action|formaction|http-equiv|style|background|code) ?='), 2, 'a tag that loads or sends'),
        signal(regexp_matches(text, '<[a-z!/?][^<]{0,200}>|<(svg|img|iframe|script|object|embed|body|math)\b'), 1, 'a tag'),
        signal(regexp_matches(text, '[''"`]\)? ?>\s*<[a-z!/]'), 2, 'leaves an attribute for a tag'),
        signal(regexp_matches(text, '\b(alert|confirm|prompt|print) ?[(`] ?[^)`]{0,40}[)`]|\b(alert|confirm|prompt)[''"]? ?\]? ?\(|\bdocument ?\. ?(cookie|domain|location|write)|\bdocument\[|string ?\. ?fromcharcode ?\(|\blocalstorage\b|\bfetch ?\( ?[''"`]|new image\(\)\.src'), 2, 'script of a proof'),
        signal(regexp_matches(text, '[''"`] ?\)*[;,+\-*^|&}]+ ?\(?(alert|confirm|prompt|eval|fetch|document|window|top|self|import|settimeout|setinterval|function|location|new )\b ?[(`.\[]?'), 2, 'leaves a text for script'),
        signal(regexp_matches(text, '\{\{ ?(\$on\.|\$eval|constructor|[^}]{0,60}constructor ?[.(\[]|[^}]{0,60}(alert|eval) ?\()|(\bsrcdoc|xlink:href|formaction) ?=|data:text/(html|javascript)|<!entity|expression ?\(.{0,40}\(|-moz-binding|@import ?[''"(]'), 2, 'a way around filters'),
        signal(disguised and contains(text, '<'), 1, 'encoded more than once')
    ] as signals
    from decoded
    where regexp_matches(text, '<|[''"`]|script ?:|alert|confirm|prompt|document|fromcharcode|\{\{|data:text')
),

path_traversal as (
    select part, value, text, 'path_traversal' as kind, [
        signal(regexp_matches(text, '(\.{2,}(/|\\|;/)+){3,}|(/|\\)\.\.(\W)+\.\.(/|\\)\W*\.\.'), 2, 'climbs three folders or more'),
        signal(regexp_matches(text, '(^|[/\\=:;, ])\.{2,}(/+|\\+|;/)'), 1, 'climbs a folder'),
        signal(regexp_matches(text, '\.{2,}([/\\;]+\.{2,})*[/\\;]') and dots_hidden, 2, 'dots or slashes hidden by encoding'),
        signal(regexp_matches(text, '[a-z0-9]\.\./\.?[a-z]'), 1, 'a folder with two dots after its name'),
        signal(regexp_matches(text, '\.\.[/\\;]+\W*(\.env|\.git|\.htpasswd|\.aws|\.ssh|wp-config|config[./]|settings\.)'), 1, 'climbs to a known file'),
        signal(regexp_matches(text, '(\.\.[/\\;]+){2}.*(\.env|id_rsa|\.ssh|\.aws|\.git|\.htpasswd|\.bash_history|wp-config|config[./]|settings\.|database\.yml|secrets?\.|application\.(properties|yml)|docker|root/|home/|usr/local|windows/|inetpub|appsettings)'), 3, 'climbs to a known file'),
        signal(regexp_matches(text, '\.\.[/\\;].*(etc/(passwd|shadow|group|hosts|issue|nginx|apache2|httpd|ssh|my\.cnf|crontab|os-release|resolv\.conf|php)|proc/(self|version|cpuinfo|[0-9])|win\.ini|boot\.ini|system\.ini|system32|winnt|web-inf|meta-inf|var/(log|lib|www|mail)|httpd\.conf|nginx\.conf|web\.config|global\.asa)'), 3, 'climbs to a known file'),
        signal(regexp_matches(text, '(=|^|/|:)(file:)?/*/etc/(passwd|shadow|group|hosts|issue|nginx/|apache2/|ssh/)([&?\s/.#;|]|$)') and part = 'query', 3, 'a file of the system'),
        signal(not shell and regexp_matches(text, '[=/:.]/*etc/(passwd|shadow)\b|[=/:.]/*proc/self/(environ|cmdline|maps|fd|status|root|cwd)|[=/:.\\](win|boot|system)\.ini\b'), 2, 'names a file of the system'),
        signal(regexp_matches(text, '(=|^|/)(file:/*)?([a-z]:)[/\\]+(windows|winnt|boot\.ini|inetpub|users|xampp|program files)|(=|/)(web|meta)-inf/|(^|/)(web-inf/(web\.xml|classes|config|spring)|meta-inf/(context|maven|manifest))|(=|^|:|\.)/*proc/(self|version|[0-9]+)/?(environ|cmdline|maps|fd|status|root|cwd|$)') and not shell, 3, 'a file of the system'),
        signal(regexp_matches(text, '=\W{0,2}(file:///|php://filter|\.?/?\.(env|git/|aws/|ssh/|htpasswd|htaccess)[\w./-]*(&|$))'), 3, 'a local file in a parameter'),
        signal(disguised and contains(text, '..'), 1, 'encoded more than once')
    ] as signals
    from decoded
    where part in ('query', 'path') and regexp_matches(text, '\.\.|etc/|/proc/|\.ini|-inf/|[a-z]:[/\\]|file:|php:|=\.?/?\.(env|git|aws|ssh|ht)')
),

sensitive_files as (
    select part, value, text, 'sensitive_files' as kind, [
        signal(regexp_matches(text, '/\.(env|environment)([._-][\w.-]{1,30}|~)?/?$|/[\w.-]{0,20}\.env(\.(local|prod\w*|dev\w*|bak|old|save|example|backup))?$'), 3, 'an environment file'),
        signal(regexp_matches(text, '/\.(git|svn|hg|bzr|cvs)(/(config|head|index|logs|objects|refs|entries|wc\.db|packed-refs|format|description|info|store|hooks|commit_editmsg|orig_head|dirstate|hgrc|requires|branch)?\b|/?$)|/cvs/(root|entries)$|/\.git(ignore|modules|-credentials|config|attributes)$'), 3, 'a version control folder'),
        signal(regexp_matches(text, '/\.(aws|ssh|gnupg|docker|kube|azure|gcloud|config/gcloud|terraform|vscode|idea|circleci|npm|m2|composer|subversion|chef|vagrant)/|/\.(htpasswd|htaccess|htgroup|ds_store|npmrc|yarnrc|pypirc|dockercfg|dockerenv|dockerignore|netrc|pgpass|my\.cnf|s3cfg|boto|bash_history|zsh_history|mysql_history|psql_history|sh_history|bashrc|bash_profile|profile|ftpconfig|remote-sync\.json|sftp-config\.json|travis\.yml|gitlab-ci\.yml|drone\.yml|rediscli_history|passwd|pass|secrets?|key|credentials|viminfo|sqlite|history|ssh|aws)\b'), 3, 'a hidden file of a tool'),
        signal(regexp_matches(text, '/(id_(rsa|dsa|ecdsa|ed25519)|authorized_keys|known_hosts|server\.key|private[._-]?key\w*|privkey|ssl\.key|localhost\.key|[\w.-]+\.(ppk|pfx|p12|kdbx|jks|keystore|ovpn))(\.\w{2,4})?$|/[\w.-]{1,40}\.(pem|key)$'), 3, 'a private key'),
        signal(regexp_matches(text, '/wp-config[\w.-]*(\.(php|txt|inc|html))?([.~_-]\w{0,10}|\.php\W\w*|~|#)$|/(local_?settings|configuration|config(uration)?(\.inc)?|settings|database|db|connect(ion)?|localsettings|parameters|credentials|secrets?)\.(php|inc|asp|aspx|yml|yaml|json|ini|xml|py)[.~_-](bak|old|orig|save|swp|txt|back\w*|dist|[0-9]|~|copy|tmp)?$|/wp-config\.(txt|old|bak|inc)|%23wp-config'), 3, 'a backup of a configuration'),
        signal(regexp_matches(text, '/(backups?|db|dbdump|dump|database|mysql(dump)?|sql|site|www|wwwroot|htdocs|public_html|web(site|root)?|data|users?|customers?|accounts?|wordpress|wp|full|old|prod(uction)?|archive|home|app|master|export|bak|[\w-]+_(db|backup|dump)|[\w-]+\.(com|net|org|example))[-_.0-9]*(backup|dump|db|prod)?[-_.0-9]*\.(sql|sqlite3?|mdb|dump|db|bak)(\.(gz|zip|bz2|xz|7z))?$|/(backups?|dump|database|wwwroot|htdocs|public_html|website|webroot|www|site|full|wordpress|prod(uction)?)[-_.0-9]*(backup|dump|db)?[-_.0-9]*\.(zip|rar|7z|tar(\.gz|\.bz2|\.xz)?|tgz|gz)$'), 3, 'a dump or an archive of the site'),
        signal(regexp_matches(text, '\.(php|phtml|asp|aspx|jsp|inc|cgi|config|conf|ini|py|rb|html?|js|yml|yaml|json|xml|properties)(\.(bak|back|backup|old|orig|original|save|saved|sav|swp|swo|tmp|temp|copy|dist|txt|1|2)|~|_bak|_old|\.(zip|gz|tar)|%23|#)$|/\.[\w.-]+\.sw[op]$'), 2, 'a backup of a program'),
        signal(regexp_matches(text, '\.(sql|sqlite3?|mdb|bak|dump|tfstate|tfvars|kdb)(\.(gz|zip|bz2|backup))?$'), 2, 'a database or a state file'),
        signal(regexp_matches(text, '/(server-(status|info)|phpinfo(\.php)?|php_?info\.php|info\.php|i\.php|pinfo\.php|test_?phpinfo\.php|elmah\.axd|trace\.axd|nginx_status|status/full|fpm-status|php-fpm\.conf|haproxy\?stats|jolokia(/.*)?|jmx-console.*|web\.config|appsettings(\.\w+)?\.json|\.well-known/\.env)/?$|/(actuator|manage|management)/(env|heapdump|configprops|mappings|beans|dump|trace|httptrace|loggers|threaddump|gateway.*|jolokia|logfile|shutdown)|/(_?profiler|app_dev\.php)/(phpinfo|open|latest|empty)|/debug/(pprof|vars|default/view|requests)|/telescope/requests|/(heapdump|env)(\.\w{2,4})?$|/_ignition/|/horizon/api|/_cat/indices|/\$metadata\b.*passw'), 3, 'a page that tells too much'),
        signal(regexp_matches(text, '/(wp-config|config(uration)?|local_?settings|settings|secrets?|credentials?|database|db|parameters|application(-\w+)?|bootstrap|aws|s3|env|passwords?|passwd|users|keys?|service[-_]?account|firebase|google-services|sendgrid|twilio|stripe|smtp|mail(er)?)(\.\w{1,10})?\.(php|inc|ini|ya?ml|properties|xml|json|conf|cfg|py|js|txt|env|toml|csv)$'), 1, 'a configuration by its name'),
        signal(regexp_matches(text, '/(wp-config\.php|credentials(\.(json|xml|csv|txt|ya?ml))?|secrets?\.(json|ya?ml|env|txt)|application(-\w+)?\.(properties|ya?ml)|database\.ya?ml|master\.key|passwords?\.(txt|csv|xlsx?)|service[-_]?account(_?key)?\.json|config\.(php|inc|inc\.php)|configuration\.php|sftp-config\.json|docker-compose[\w.-]*\.ya?ml|dockerfile|jenkinsfile|vagrantfile|terraform\.tfstate\S*|terraform\.tfvars|composer\.(lock|json)|auth\.json|yarn\.lock|package-lock\.json|gemfile(\.lock)?|requirements\.txt|pipfile(\.lock)?|web\.xml|settings\.py|wp-settings\.php|database\.php|parameters\.yml|local\.xml|env\.(js|json|php)|error_log|error\.log|access\.log|debug\.log|laravel\.log|install\.log|npm-debug\.log|storage/logs/\S*|wp-content/debug\.log|backup/?|phpunit\.xml|swagger\.(json|ya?ml))$'), 2, 'a file for the server alone'),
        signal(disguised, 1, 'encoded more than once')
    ] as signals
    from decoded
    where part = 'path' and not regexp_matches(text, '^/\.well-known/(?:[a-z0-9_-]+(?:\.(?:txt|json|xml))?|(?:acme-challenge|pki-validation|host-meta\w*|openid\w*|oauth\w*|matrix|est|webfinger\w*)/[\w./-]*)$')
),

parameter as (
    -- name=https://somewhere…, one row for each such parameter
    select part, value, text, disguised, unnest(regexp_extract_all(text, '(?:^|[&;?])[\w.\[\]$-]{1,60}=\s*\W{0,2}(?:(?:https?|ftps?|php|data|expect|zip|phar|smb|ogg|ssh2|gopher|dict|ldaps?|tftp|sftp|netdoc|jar):[/\\]{0,3}|//|\\\\)[^&\s]*')) as pair
    from decoded
    where part = 'query' and regexp_matches(text, '=\s*\W{0,2}(?:[a-z0-9]{2,6}:|//|\\\\)')
),

remote_parameter as (
    select
        part, value, text, disguised, pair,
        regexp_extract(pair, '^[&;?]?([^=]*)=', 1) as name,
        regexp_extract(pair, '=\s*\W{0,2}([a-z0-9]+):', 1) as scheme,
        regexp_extract(regexp_replace(pair, '^[^=]*=\s*\W{0,2}(?:[a-z0-9]+:)?[/\\]{0,3}', ''), '^(?:[^/@?#\\]*@)?(\[[0-9a-f:.]*\]|[^/:?#\\]*)', 1) as target
    from parameter
),

foreign_parameter as (
    select part, value, text, disguised, pair, name, scheme, target
    from remote_parameter
    where not exists (select 1 from own_hosts where target = own_hosts.name or ends_with(target, '.' || own_hosts.name))
),

remote_file_inclusion as (
    select part, value, text, 'remote_file_inclusion' as kind, [
        signal(regexp_matches(pair, '=\W{0,2}(php://(input|fd|memory|temp)|data:[^,&]{0,40};base64,|data:,?<\?|data:text/plain,|expect://|zip://|phar://|ogg://|ssh2\.|zlib://|glob://)'), 3, 'a wrapper of PHP'),
        signal(regexp_matches(name, '(^|[_.\[-])(file|files|filename|filepath|page|include|inc|incl|require|template|tpl|theme|skin|layout|path|folder|dir|document|doc|root|module|mod|view|load|lang|language|locale|section|conf|config|main|body|site_path|basepath|base_?dir|abspath|absolute_path|classpath|header|footer|nav|menu|plugin|component|controller|script|style|pg|p|content)\]?$|root_?path|_path$|_dir$|root_?dir|_root'), 2, 'where a name of a file belongs'),
        signal(regexp_matches(pair, '^[^=]*=[^?]*\.(txt|inc|dat|phtml|php[0-9]?|gif|jpe?g|png|sh|pl|py|jsp|aspx?|bak|log|xml|pdf|htm|html|cgi|tmpl)?\?{1,2}\W*(&|$)|(\?|%00)$'), 2, 'a question mark that cuts off the rest'),
        signal(regexp_matches(pair, '\.(txt|inc|dat|phtml|sh|pl|jsp|aspx?|php[0-9]?|cfm|cgi|war|ps1|exe|hta)\W{0,3}(cmd=.*)?(&|$)') and not regexp_matches(pair, '/(robots|ads|app-ads|security|humans|llms|sitemap|readme|license)\.txt'), 1, 'a program or a text that is run as one'),
        signal(regexp_matches(pair, '/(c99|r57|c100|shell|cmd|id|rx|rce|evil|bypass|backdoor|mic22|fx29\w*|injek|up|uploader|wso|b374k|alfa|test|poc|pwn\w*|payload|x|sh|php|phpinfo)[\w-]{0,4}\.(txt|php[0-9]?|jpg|gif|png|inc|dat)\b'), 2, 'the name of a shell'),
        signal(regexp_matches(target, '^([0-9]{1,3}\.){3}[0-9]{1,3}$|^0x[0-9a-f]+$|^[0-9]{8,10}$|^\['), 1, 'an address without a name'),
        signal(regexp_matches(pair, '=\W{0,2}(ftps?|smb|tftp)://|=\W{0,2}\\\\[\w.]+\\'), 2, 'a scheme no page is linked by'),
        signal(regexp_matches(pair, '^[^=]*=\s*\W{0,2}(https?:)?[/\\]{2}[^/]*(:[0-9]{2,5})?[/\\]'), 1, 'a page of somebody else'),
        signal(regexp_matches(target, '(burpcollaborator\.net|oastify\.com|oast\.(pro|live|site|online|fun|me)|interact\.sh|dnslog\.cn|ceye\.io|requestbin\.\w+|webhook\.site|ngrok(-free)?\.(io|app)|pingb\.in|xss\.ht|bxss\.me|canarytokens\.com|r87\.(me|com))$'), 3, 'a listener for callbacks'),
        signal(disguised, 1, 'encoded more than once')
    ] as signals
    from foreign_parameter
    where name not in ('utm_source', 'utm_campaign', 'utm_content', 'utm_term', 'utm_medium')
        and not regexp_matches(pair, 'php://filter|=\W{0,2}(file|gopher|dict|netdoc|ldap)')
        -- servers inside are the business of metadata_ssrf
        and not regexp_matches(target, '^\W*(0*169|0x0*a9|0+251)\.|^2852039166$|^0x0*a9fea9fe$|^0+25177524776$|^\[|^metadata|^instance-data|^100\.100\.100\.200|^localhost$|^127\.|^192\.0\.0\.192|169.254.169.254')
),

command_injection as (
    select part, value, text, 'command_injection' as kind, [
        signal(regexp_matches(lines, '(;|\||&&|`|\$\(|%0a|&|=|^|\{)\s*\(?\s*(/[\w/]*bin/)?(whoami|ifconfig|ipconfig|systeminfo|netstat -|uname( -\w+)?|nslookup [\w.-]|ping6? (-[cnwti]+ ?[0-9]+ |[0-9])|wget (-\S+ )*\S*[./]|curl (-\S+ )*\S*[./]|cat [/~.$*]|cat \w+\.(php|txt|conf|env)|ls (-|/|\.)|dir (c:|/|\\)|type c:|echo [\w$''"\\.-]{0,60} ?(>|\||\||`|;|&&)|echo \$\(|bash -[ic]|(ba|z|da)?sh -[ic]\b|nc (-\S+ )+|ncat (-|\w)|python[23]? -c|perl -e|php -r|ruby -e|node -e|powershell\b|cmd(\.exe)? ?/c|chmod (\+x|[0-7]{3,4}|-r) |rm -[rf]{1,2}\b|mkfifo |base64 -d|busybox \w|tftp |ps (aux|-ef)|df -\w|env\b ?(\||;|$)|printenv|sleep [0-9]+|id ?(;|\||`|\)|&&|#)|tail -|head -|find / |grep -|touch /|cp /|mv /|kill -|sudo |su -|net (user|localgroup|view)|reg (add|query)|schtasks|certutil|wmic|tasklist|dig \+?[\w.-]+\.|host [\w-]+\.[\w.]+|telnet [\w.]+ [0-9])')
            and regexp_matches(lines, '(;|\||&&|`|\$\(|%0a)\s*\(?\s*(/[\w/]*bin/)?[a-z]|(^|[?&])\w*(cmd|command|exec|execute|run|shell|ping|system|daemon|upload|process|do|func|arg|option|load|code|step|host|ip|addr|target|name|0|c)\w*=\s*\W?[a-z/]'), 3, 'a shell command'),
        signal(regexp_matches(lines, '(;|\||&&|`|\$\(|\|\||%0a)\s*\(?\s*(/[\w/]*bin/)?(id|whoami|ls|pwd|env|uname|ps|w|set|ver|dir|hostname|ipconfig|ifconfig)\s*(\)|`|;|\||#|&|$)') and regexp_matches(lines, '\w=|/') , 3, 'a shell command'),
        signal(regexp_matches(lines, '(;|\||&&|`|\$\(|%0a)\s*(cat|ls|id|sh|bash|wget|curl|nc|ping|echo|python[23]?|perl|php|ruby|sleep|cut|sed|awk|nslookup|dig|telnet|kill|touch|cmd|type)\b'), 1, 'an operator before a command'),
        signal(regexp_matches(lines, '\$\{?ifs\b|/dev/tcp/|\b/?bin/(ba|da|z|k)?sh\b|\bcmd(\.exe)? ?/c\b|powershell(\.exe)? .{0,40}-(e|en\w*|nop\w*|w|c\w*)\b|\bcertutil\b.{0,30}-urlcache|<\(curl|\|\s*(/bin/)?(ba)?sh\b'), 3, 'a shell'),
        signal(regexp_matches(lines, '(/usr)?/bin/(cat|ls|id|ping|nc|wget|curl|uname|whoami|python|perl|sleep)|/usr/bin/id|;\s*cd /(tmp|var)|cd /tmp'), 2, 'a program by its path'),
        signal(regexp_matches(lines, '>\s*/dev/null|2>&1|\bchmod (\+x|[0-7]{3,4}) |\brm -rf\b|\b(wget|curl) (-\S+ )*(https?://|[0-9]{1,3}\.[0-9]{1,3}\.)|\|\s*base64|\btftp -|\bmkfifo\b'), 2, 'a habit of shells'),
        signal(regexp_matches(lines, '\(\)\s*\{\s*[^}]{0,30};?\s*\}\s*;'), 3, 'Shellshock'),
        signal(regexp_matches(lines, 'allow_url_include|auto_prepend_file|invokefunction|call_user_func(_array)?\b|vars\[0\]=|disable_functions|suhosin\.simulation|safe_mode=|\bpassthru\b ?\(|\bshell_exec ?\(|\bproc_open ?\(|\bpcntl_exec ?\(|child_process|runtime\.exec'), 3, 'runs code of its own'),
        signal(regexp_matches(lines, '(=|;|\{|\?|\b)(system|exec|eval|assert|popen|print|die|base64_decode|phpinfo|create_function|preg_replace|file_put_contents|os\.(system|popen)|subprocess\.\w+|process\.\w+|require)\( ?[''"`$]|\bphpinfo\(\)|\b(die|print|echo|eval)\(? ?@?(md5|base64_decode|\$_(get|post|request))|<\?(php|=)|\$_(get|post|request|server)\['), 3, 'code in a parameter'),
        signal(disguised and regexp_matches(lines, '[;|`]|\$\('), 1, 'encoded more than once')
    ] as signals
    from decoded
    where not (regexp_matches(text, '\{\{|\$\{[^i]|<%|#\{|\{php\}|\{system') and not contains(text, 'ifs'))
        and regexp_matches(lines, '[;|`]|&&|\$\(|\$\{?ifs|/bin/|bin/sh|/dev/|cmd|powershell|wget|curl|=(whoami|id|ls|cat|uname|env|ps|df|dir|w|pwd|nc|ping|net|ifconfig|ipconfig|sleep|echo|type)\b|allow_url|invokefunction|call_user|\w\( ?[''"`$]|\(\)\s*\{|<\?|md5|phpinfo\(|%0a')
        and not (part = 'user_agent' and not regexp_matches(lines, '\(\)\s*\{|`|\$\(|/bin/|wget |curl (-|http)|<\?php|system\(|\|\s*(id|sh|bash|nc|ping|curl|wget)\b'))
),

jndi_injection as (
    select part, value, lookup_resolved(text) as text, 'jndi_injection' as kind, [
        signal(regexp_matches(lookup_resolved(text), '\$\{?\W{0,3}jndi\s*:|jndi\s*:\s*\W{0,4}(ldaps?|rmi|dns|iiop|nis|nds|corba|https?)\b'), 3, 'a JNDI lookup'),
        signal(regexp_matches(text, '\$\{[^{}]{0,60}\$\{[^{}]{0,40}:|\$\{(lower|upper|::-|[^{}]{0,40}:-)[^{}]{0,40}\}'), 3, 'a lookup that hides its letters'),
        signal(regexp_matches(text, '\$\{(env|sys|java|hostname|ctx|main|k8s|docker|bundle|web|log4j|map|sd|spring|event|date)(:|\})'), 3, 'a lookup of the logger'),
        signal(regexp_matches(text, '\$\{(script|url|dns|const|file|xml|resourcebundle|base64decoder|urldecoder):'), 3, 'Text4Shell'),
        signal(regexp_matches(text, '\bclass(\[[''"]?|\.)module(\]?\[[''"]?|\.)classloader|\bclass\.classloader\b|classloader\.(resources|parent|urls)|spring\.cloud\.function\.routing-expression'), 3, 'Spring4Shell'),
        signal(regexp_matches(text, '[%$#@]\{[^}]{0,200}(#|@java|new java|opensymphony|_memberaccess)|#_memberaccess|@ognl\.|ognlcontext|\(#\w+ ?=|redirect(action)?:[%$]\{|@java\.lang\.\w+@|javax\.(naming|script)\.\w+'), 3, 'an expression of Java'),
        signal(not regexp_matches(text, '[$#*]\{\W{0,3}t\(') and regexp_matches(text, '\bjava\.lang\.(runtime|processbuilder)\W{0,3}(@|\(|\.getruntime|\.exec)|getruntime\(\)\.exec'), 3, 'a program run by Java'),
        signal(not regexp_matches(text, '[$#*]\{\W{0,3}t\(') and regexp_matches(text, '\bjava\.lang\.(runtime|processbuilder|class|thread|system)|getruntime\(|scriptenginemanager|getclass\(\)|forname\('), 2, 'names of Java'),
        signal(regexp_matches(value, '(^|=)rO0AB[A-Za-z0-9+/%=_-]{10,}|(?i)(^|=)aced0005[0-9a-f]{10,}|(^|=)H4sIA[A-Za-z0-9+/%_-]{40,}=*.*ysoserial'), 3, 'a serialized Java object'),
        signal(disguised, 1, 'encoded more than once')
    ] as signals
    from decoded
    where regexp_matches(text, '\$\{|jndi|classloader|[%#@]\{|java\.|memberaccess|getruntime|ro0ab|aced0005|ognl|\(#\w+ ?=|routing-expression')
),

template_injection as (
    select part, value, text, 'template_injection' as kind, [
        signal(regexp_matches(text, '(\{\{=?|\$\{\{?|#\{|<%=?|@\(|\*\{|\[\[ ?\$\{|~\{|\[=|\{)[\s('']{0,3}[''"]?[0-9]{1,8}[''"]?\)?\s*[*/%]\s*\(?[''"]?[0-9]{1,8}[''"]?[\s)'']{0,3}(\}|%>|\)|\])'), 3, 'a sum to be worked out'),
        signal(regexp_matches(text, '(\{\{=?|\$\{\{?|#\{|<%=|@\(|\*\{)\s*[0-9]{1,8}\s*[-+]\s*[0-9]{1,8}\s*(\}|%>|\))'), 3, 'a sum to be worked out'),
        signal(regexp_matches(text, '__(class|mro|subclasses|globals|builtins|import|init|base|bases|getattribute|dict)__'), 3, 'climbs through Python objects'),
        signal(regexp_matches(text, '\{\{.{0,200}(config\.(items|from|__|secret)|_self|self\.(_|env)|request\.(application|environ|args|__|class)|lipsum|cycler|joiner|namespace\.|url_for\.|get_flashed|app\.request|constructor\b|range\.constructor|\.popen|\|attr\(|\|filter\(|\|map\(|registerundefinedfiltercallback|system|getfilter|settings\.secret|dump\(|php\()'), 3, 'reaches behind the template'),
        signal(regexp_matches(text, '\{\{\s*(config|self|settings|app|request|this|_context|g|session)\s*\}\}|\{%\s*\w+.{0,100}%\}|\{\{[^}]{0,60}\|\s*\w+[^}]{0,40}\}\}'), 2, 'an object of the template'),
        signal(regexp_matches(text, 'freemarker\.template\.utility|\?new\(\)|<#assign|\$\{\W*product\.getclass|#set ?\( ?\$\w+ ?=|\$class\.(inspect|forname)|\{php\}|\{/?literal\}\{|\{smarty\.|\{system\(|<%=? ?(system|exec|file|dir|`|io\.|self|global|process|include|require)|#\{ ?(system|exec|`|file|io\.|global|root\.process|self)|\$\{t\(|__\$\{|\$\{[^}]{0,80}(getclass|exec\(|forname)|\{\{?=?\s*(`|process\.|global\.|require\()|\{\{#with|\{@(print|math)|\{\{range'), 3, 'code of a template engine'),
        signal(regexp_matches(text, '\$\{\{<%\[%|\{\{[^}]{0,40}\}\}.{0,40}\$\{[^}]{0,40}\}.{0,40}<%|<%[^>]{0,40}%>.{0,60}[#$]\{'), 3, 'several engines at once'),
        signal(disguised and regexp_matches(text, '\{\{|\$\{|<%|#\{'), 1, 'encoded more than once')
    ] as signals
    from decoded
    where part <> 'referer' and regexp_matches(text, '\{\{|[$#*@~]\{|<%|\{%|@\(|__\w+__|<#|#set|\{php|\{system|\?new\(|\{[0-9]+[*]|\[=')
),

metadata_ssrf as (
    select part, value, text, 'metadata_ssrf' as kind, [
        -- 169.254.169.254 as four, three, two or one number, each decimal, octal or hexadecimal, alone, in IPv6 or before nip.io
        signal(regexp_matches(text, '(//|\\\\|@|=|^|\[|/)\W{0,8}(::ffff:)?(0*169|0x0*a9|0+251)\.(0*254|0x0*fe|0+376)\.((0*169|0x0*a9|0+251)\.(0*254|0x0*fe|0+376)|0*43518|0xa9fe|0+124776)(\]|[^0-9a-z.]|\.(nip|xip|sslip|traefik|localtest|1u)\b|\.?$|\.?[/:?&#])|(//|\\\\|@|=|\[)\W{0,4}(::ffff:)?(0*169|0x0*a9|0+251)\.(16689662|0x0*fea9fe|0+77524776)\b|(//|\\\\|@)\W{0,4}(2852039166|7147006462|0xa9fea9fe|0x[0-9a-f]*a9fea9fe|0+25177524776)\b|::ffff:a9fe:a9fe|fd00:ec2::(254|23)|0:0:0:0:0:ffff:a9fe:a9fe|169-254-169-254')
            and regexp_matches(text, '(//|\\\\|@|\[)|(^|[?&/])\w*(url|uri|link|host|src|source|dest|target|redirect|path|proxy|fetch|feed|image|img|callback|webhook|domain|site|page|next|u|ip|addr|endpoint|server|open|load|file|data|ref|return)\w*='), 3, 'the address of the metadata service'),
        signal(regexp_matches(text, '(//|\\\\|@|=)\W{0,4}(metadata\.google\.internal|metadata(\.azure)?\.(internal|com|goog)|metadata\b[/:]|instance-data\b|169\.254\.170\.(2|23)\b|100\.100\.100\.200\b|192\.0\.0\.192\b|rancher-metadata\b|metadata\.(packet|platformequinix|tencentyun)\.\w+|kubernetes\.default)'), 3, 'a metadata service by name'),
        signal(regexp_matches(text, 'latest/(meta-?data|user-?data|dynamic/instance-identity|api/token)|iam/security-credentials|computemetadata/v1|metadata/(instance|identity)(/|\?)\S*api-version|opc/v[12]/instance|openstack/latest|metadata/v1(\.json|/)'), 3, 'a path of the metadata service'),
        signal(regexp_matches(text, '\b169\.254\.169\.254\b'), 2, 'the address of the metadata service'),
        signal(regexp_matches(text, '=\W{0,2}(gopher|dict|netdoc|ldap|tftp)://'), 3, 'a scheme that reaches inside'),
        signal(regexp_matches(text, '=\W{0,2}https?://(127\.[0-9]+\.[0-9]+\.[0-9]+|localhost|0\.0\.0\.0|\[?::1?\]?|10\.[0-9]+\.[0-9]+\.[0-9]+|192\.168\.[0-9]+\.[0-9]+)[:/]'), 1, 'an address inside'),
        signal(disguised, 1, 'encoded more than once')
    ] as signals
    from decoded
    where part in ('query', 'path') and regexp_matches(text, '169|254|meta-?data|instance-data|a9fe|0xa9|251\.|2852039166|7147006462|25177524776|security-credentials|fd00:ec2|100\.100\.100\.200|gopher:|dict:|netdoc:|=\W{0,2}https?://(127|localhost|0\.|\[|10\.|192\.168)|0+251|192\.0\.0\.192|kubernetes\.default|opc/v')
),

web_shell as (
    -- only half of it: whether anything answers there, and for how many, is for `attacks`
    select part, value, text, 'web_shell' as kind, [
        signal(regexp_matches(text, '/(c99|c100|r57|wso[0-9]*|b374k|alfa(_?(shell|new|team))?|indoxploit|weevely|antsword|behinder|godzilla|chopper|marijuana|leaf(mailer)?|mini[-_]?shell|web-?shell\w*|shell[0-9]*|cmd[0-9]*|cmdjsp|jspspy|aspxspy|phpspy|reverse[-_]?shell|backdoor|r00t|pwn\w*|0byte|filesman|simattacker|priv8\w*|anonsec|sh3ll|xleet\w*|wp-22|autoload_classmap|wp-conflg|ws[0-9]+|rce|tunnel\.nosocket)\.(php[0-9]?|phtml|pht|jspx?|aspx?|ashx|asmx|cfm|cgi|pl|py|war)($|/)') and part = 'path', 2, 'the name of a shell'),
        signal(regexp_matches(text, '/(uploads?|avatars?|tmp|temp|attachments?|userfiles|\.well-known|pki-validation|acme-challenge|wp-content/(languages|upgrade)|wp-includes/(css|images|fonts|id3|pomo))/([\w.-]+/)*[\w.@-]+\.(php[0-9]?|phtml|pht|jspx?|aspx?|ashx|asmx|cfm|cgi|pl|war)($|/)')
            and not regexp_matches(text, '/index\.(php|aspx?|jsp)$') and part = 'path', 2, 'a program where uploads lie'),
        signal(regexp_matches(text, '/(images?|img|photos?|pictures?|css|fonts?|logos?|banners?|thumbs?|files?|cache|backups?|logs?|downloads?|documents?)/([\w.-]+/)*[\w.@-]+\.(php[0-9]?|phtml|pht|jspx?|aspx?|ashx|asmx|cfm|cgi|pl|war)($|/)')
            and not regexp_matches(text, '/index\.(php|aspx?|jsp)$') and part = 'path', 1, 'a program where files lie'),
        signal(regexp_matches(text, '\.(jpe?g|png|gif|ico|txt|pdf)[.;/%]+\w*\.?(php[0-9]?|phtml|jspx?|aspx?)$') and part = 'path', 2, 'a program that calls itself a picture'),
        signal(regexp_matches(text, '(^|&)\w{1,10}=\s*[''"]?(/[\w/]*bin/)?(whoami|id|uname|ls|pwd|ps|ifconfig|ipconfig|netstat|systeminfo|tasklist|hostname|printenv)(\s+[-/$.~\w:*''"]|\s*(&|;|\||$))|(^|&)\w{1,10}=\s*[''"]?(/[\w/]*bin/)?(cat|ls|type|tail|head|find|grep|rm|cp|mv|tar|chmod|mkdir)\s+[-/~$.\\c]|(^|&)\w{1,10}=\s*(wget|curl)\s+\S*[./]|(^|&)\w{1,10}=\s*net (user|localgroup|view)|(^|&)\w{1,10}=\s*(df|ps|du|free|ss|ip) -?(-\w|aux|a(ddr)?\b)|(^|&)\w{1,10}=\s*mysqldump\b') and part = 'query', 2, 'a command in a parameter'),
        signal(regexp_matches(text, '(^|&)(cmd|exec|command|execute|run|shell|0|x0|z0)=\s*[''"]?(/[\w/]*bin/)?(cat|env|df|dir|w|net|wget|curl|ping|type|nc|bash|sh|cmd(\.exe)?|powershell|echo|find|tar|cp|mv|rm|mkdir|chmod|uptime|last|ss|ip|sudo|crontab|history|zip|set|ver|arp|route|tail|head|whereis|which|locate|python\d?|perl|php)(\s+[-/$.~\w:*''"]|\s*$|&|;|\|)') and part = 'query', 2, 'a command in a parameter for commands'),
        signal(regexp_matches(text, '(^|&)(cmd|exec|command|execute|shell|c99)=') and part = 'query', 1, 'a parameter for commands')
    ] as signals
    from decoded
    where part = 'path' and regexp_matches(text, '\.(php|phtml|pht|jsp|asp|ashx|asmx|cfm|cgi|pl|py|war)')
        or part = 'query' and regexp_matches(text, '(^|&)\w{1,10}=')
),

matched as (
    select part, value, text, kind, list_filter(signals, lambda s: s is not null) as signals from sql_injection
    union all select part, value, text, kind, list_filter(signals, lambda s: s is not null) from cross_site_scripting
    union all select part, value, text, kind, list_filter(signals, lambda s: s is not null) from path_traversal
    union all select part, value, text, kind, list_filter(signals, lambda s: s is not null) from sensitive_files
    union all select part, value, text, kind, list_filter(signals, lambda s: s is not null) from remote_file_inclusion
    union all select part, value, text, kind, list_filter(signals, lambda s: s is not null) from command_injection
    union all select part, value, text, kind, list_filter(signals, lambda s: s is not null) from jndi_injection
    union all select part, value, text, kind, list_filter(signals, lambda s: s is not null) from template_injection
    union all select part, value, text, kind, list_filter(signals, lambda s: s is not null) from metadata_ssrf
    union all select part, value, text, kind, list_filter(signals, lambda s: s is not null) from web_shell
),

scored as (
    select
        part, value, kind, text,
        list_sum(list_transform(signals, lambda s: s.weight)) as score,
        list_distinct(list_transform(signals, lambda s: s.words)) as words
    from matched
    -- «encoded more than once» alone is an address inside an address
    where len(list_filter(signals, lambda s: s.words <> 'encoded more than once')) > 0
)

select
    part,
    kind,
    value,
    arg_max(text, score) as text,
    cast(max(score) as integer) as score,
    list_sort(arg_max(words, score)) as words
from scored
where not (
        -- A page's address comes back as the referer of all that it loads, and what somebody asked a search engine is not asked of us.
        part = 'referer' and kind <> 'jndi_injection' and (
            regexp_matches(value, '(?i)^https?://([a-z0-9-]+\.)*(google|bing|yahoo|duckduckgo|yandex|baidu|ecosia|startpage|qwant|brave|sogou|naver)\.')
            or exists (select 1 from own_hosts where regexp_extract(lower(value), '^https?://([^/:?#]*)', 1) = own_hosts.name
                or ends_with(regexp_extract(lower(value), '^https?://([^/:?#]*)', 1), '.' || own_hosts.name))
        )
    )
    -- an honest visitor's lone quote would drag thousands of requests along
    and (score >= 2 or part in ('query', 'path'))
group by part, kind, value;

-- --- what became of each request ---------------------------------------------------------------------------------------------------

-- /p/oak-plate-10496 and /v1/orders/7f3a… are one template: parts that look like numbers or ids become *.
create or replace temp macro path_template(x) as
    regexp_replace(regexp_replace(x, '/[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,}|/[0-9a-fA-F]{16,}', '/*', 'g'), '[0-9]+', '*', 'g');

create or replace temp table payload_values as
-- A command as the value of a parameter is looked at again where the path is a program's; `q=cat` alone is somebody who likes cats.
select part, value, max(score) as score from payloads group by part, value having bool_or(kind <> 'web_shell' or part = 'path' or score >= 2);

-- Four passes over one column each find the rows, and only then are those rows read: a tenth of the time that one pass over all columns takes.
create or replace temp table attack_rows as
select row_id from numbered_requests where in_scope and query in (select value from payload_values where part = 'query')
union
select row_id from numbered_requests where in_scope and path in (select value from payload_values where part = 'path')
union
select row_id from numbered_requests where in_scope and referer in (select value from payload_values where part = 'referer')
union
select row_id from numbered_requests where in_scope and user_agent in (select value from payload_values where part = 'user_agent');

create or replace temp table attack_requests as
select
    row_id as id, time, distribution, client_ip, user_agent, method, host, path, query, referer, status, sent_bytes, time_taken_s,
    coalesce(response_result_type, result_type) as result_type, detailed_result_type, request_id, origin_first_byte_s
from numbered_requests
where row_id in (select row_id from attack_rows);

-- everything that the same clients asked for
create or replace temp table client_rows as
select row_id from numbered_requests where in_scope and client_ip in (select client_ip from attack_requests);

create or replace temp table client_requests as
select client_ip, time, path, status, sent_bytes from numbered_requests where row_id in (select row_id from client_rows);

-- Honest requests for the paths that attacks got an answer from, of the whole case, since a scope of an hour may hold none; of a busy path
-- some five to ten thousand, evenly, which is as good for a median as a million.
create or replace temp table honest_rows as
with found as (
    select row_id, path
    from numbered_requests
    where path in (select path from attack_requests where status between 200 and 299)
        and row_id not in (select id from attack_requests)
),

share as (
    select path, greatest(1, cast(floor(count(*) / 5000.0) as bigint)) as every from found group by path
)

select row_id from found inner join share on share.path = found.path where row_id % every = 0;

create or replace temp table attacks as
with request_payload as (
    select id, part, kind, text, score, words from attack_requests inner join payloads on part = 'query' and value = query
    union all
    select id, part, kind, text, score, words from attack_requests inner join payloads on part = 'path' and value = path
    union all
    select id, part, kind, text, score, words from attack_requests inner join payloads on part = 'referer' and value = referer
    union all
    select id, part, kind, text, score, words from attack_requests inner join payloads on part = 'user_agent' and value = user_agent
),

request_kind as (
    select id, kind, arg_max(text, (kind = 'web_shell' and part = 'query', score, text)) as payload, cast(sum(score) as integer) as score, bool_or(part = 'path') as hits_path, list_sort(list_distinct(flatten(list(words)))) as signals
    from request_payload
    group by id, kind
),

-- what the web ACL did with the same request; several records of one request do not multiply it
judged as (
    select
        request_id,
        bool_or(action in ('BLOCK', 'CAPTCHA', 'CHALLENGE')) as blocked,
        bool_or(len(counted_rules) > 0) as counted,
        max(rule) filter (where action in ('BLOCK', 'CAPTCHA', 'CHALLENGE')) as rule,
        max(array_to_string(counted_rules, ', ')) as counted_rules
    from all_waf
    where request_id in (select request_id from attack_requests where request_id is not null)
    group by request_id
),

-- Sizes and times that honest requests for the same path have, and where few of them are, those for paths of the same form.
answered_path as (
    select distribution, path, path_template(path) as template from attack_requests where status between 200 and 299 group by distribution, path
),

honest_request as (
    select distribution, path, client_ip, sent_bytes, time_taken_s
    from numbered_requests
    where row_id in (select row_id from honest_rows) and status between 200 and 205 and method <> 'HEAD'
        and (in_scope or query is null or query not in (select value from payload_values where part = 'query'))
),

honest_path as (
    select distribution, path, count(*) as answers, median(sent_bytes) as bytes, quantile_cont(sent_bytes, 0.95) as high_bytes, median(time_taken_s) as seconds
    from honest_request
    group by distribution, path
),

form as (
    -- read only where a path alone says too little
    select answered_path.distribution, template, min(split_part(template, '*', 1)) as begins
    from answered_path
    left join honest_path on honest_path.path = answered_path.path and honest_path.distribution is not distinct from answered_path.distribution
    where template like '%*%' and coalesce(answers, 0) < 10
    group by answered_path.distribution, template
),

sibling_path as (
    select distinct all_paths.path, form.distribution, form.template
    from (select path from requests where exists (select 1 from form) group by path) as all_paths
    inner join form on starts_with(all_paths.path, form.begins) and path_template(all_paths.path) = form.template
),

sibling_found as (
    select numbered_requests.row_id, sibling_path.distribution, sibling_path.template
    from numbered_requests
    inner join sibling_path on sibling_path.path = numbered_requests.path and sibling_path.distribution is not distinct from numbered_requests.distribution
),

sibling_share as (
    select template, greatest(1, cast(floor(count(*) / 5000.0) as bigint)) as every from sibling_found group by template
),

sibling_rows as (
    select row_id, distribution, sibling_found.template
    from sibling_found
    inner join sibling_share on sibling_share.template = sibling_found.template
    where row_id % every = 0
),

honest_template as (
    select sibling_rows.distribution, template, count(*) as answers, median(sent_bytes) as bytes, quantile_cont(sent_bytes, 0.95) as high_bytes, median(time_taken_s) as seconds
    from sibling_rows
    inner join numbered_requests on numbered_requests.row_id = sibling_rows.row_id
    where status between 200 and 205 and method <> 'HEAD' and sibling_rows.row_id not in (select id from attack_requests)
    group by sibling_rows.distribution, template
),

-- A site that answers everything with the same page answers an attack with it too.
same_answer as (
    select distribution, cast(round(ln(greatest(sent_bytes, 1)) * 30) as integer) as size_class, count(distinct path) as paths
    from attack_requests
    where status between 200 and 299
    group by 1, 2
),

-- A program of the site has many visitors; a shell has one owner.
program as (
    select distribution, path, count(distinct client_ip) as clients from attack_requests where status between 200 and 299 group by distribution, path
),

compared as (
    select
        attack_requests.id, attack_requests.time, attack_requests.distribution, attack_requests.client_ip, attack_requests.user_agent, attack_requests.method, attack_requests.host,
        attack_requests.path, path_template(attack_requests.path) as template, attack_requests.query, attack_requests.status, attack_requests.sent_bytes, attack_requests.time_taken_s,
        attack_requests.request_id, attack_requests.result_type,
        case when honest_path.answers >= 10 then honest_path.bytes else coalesce(honest_template.bytes, honest_path.bytes) end as usual_bytes,
        case when honest_path.answers >= 10 then honest_path.high_bytes else coalesce(honest_template.high_bytes, honest_path.high_bytes) end as high_bytes,
        case when honest_path.answers >= 10 then honest_path.seconds else coalesce(honest_template.seconds, honest_path.seconds) end as usual_s,
        coalesce(case when honest_path.answers >= 10 then honest_path.answers else coalesce(honest_template.answers, honest_path.answers) end, 0) as compared_with,
        coalesce(same_answer.paths, 0) as same_answers,
        program.clients as path_clients,
        coalesce(judged.blocked, false) or coalesce(attack_requests.detailed_result_type, '') in ('WafBlocked', 'BlockedByWaf') as blocked_by_waf,
        coalesce(judged.counted, false) and not coalesce(judged.blocked, false) as counted_by_waf,
        coalesce(judged.rule, judged.counted_rules) as waf_rule,
        -- A 403 or a geo block may be the edge's own; everything else that was no hit was asked of the origin.
        not coalesce(judged.blocked, false) and (attack_requests.origin_first_byte_s is not null or attack_requests.result_type in ('Miss', 'RefreshHit')
            or attack_requests.result_type = 'Error' and coalesce(attack_requests.detailed_result_type, 'Error') in ('Error', 'OriginError', 'OriginConnectError', 'OriginCommError')
                and attack_requests.status not in (0, 400, 403, 413, 414, 416, 494)) as reached_origin
    from attack_requests
    left join judged on judged.request_id = attack_requests.request_id
    left join honest_path on honest_path.path = attack_requests.path and honest_path.distribution is not distinct from attack_requests.distribution
    left join honest_template on honest_template.template = path_template(attack_requests.path) and honest_template.distribution is not distinct from attack_requests.distribution
    left join program on program.path = attack_requests.path and program.distribution is not distinct from attack_requests.distribution
    left join same_answer on same_answer.distribution is not distinct from attack_requests.distribution
        and same_answer.size_class = cast(round(ln(greatest(attack_requests.sent_bytes, 1)) * 30) as integer)
),

weighed as (
    select
        compared.id, time, distribution, client_ip, user_agent, method, host, path, template, query, status, sent_bytes, time_taken_s, request_id, result_type,
        usual_bytes, compared_with, blocked_by_waf, counted_by_waf, waf_rule, reached_origin, kind, payload,
        case when kind = 'web_shell' and path_clients <= 3 and hits_path then score + 1 else score end as score, signals,
        status between 200 and 299 and not blocked_by_waf as answered_2xx,
        case
            when not (status between 200 and 299) or blocked_by_waf then null
            when kind = 'web_shell' then 'a program that can run commands answered'
            when compared_with >= 10 and sent_bytes > 3 * usual_bytes and sent_bytes > 1.5 * high_bytes and sent_bytes > usual_bytes + 1000
                then 'the answer is ' || cast(cast(round(1.0 * sent_bytes / greatest(usual_bytes, 1)) as bigint) as varchar) || ' times the usual size of that path'
            when kind in ('sql_injection', 'command_injection') and time_taken_s >= 2
                and time_taken_s >= coalesce(try_cast(nullif(regexp_extract(payload, '(?:sleep|pg_sleep|receive_message)\W{0,3}(?:''\w*'' ?, ?)?\(? ?([0-9]{1,3})', 1), '') as integer),
                    try_cast(nullif(regexp_extract(payload, 'delay ?[''"(]*[0-9]+:[0-9]+:([0-9]{1,2})', 1), '') as integer),
                    try_cast(nullif(regexp_extract(payload, '\bsleep ([0-9]{1,3})', 1), '') as integer), 1000000)
                and time_taken_s > 4 * coalesce(usual_s, 0)
                then 'it took as long as the payload asked the server to wait'
            when kind in ('sensitive_files', 'path_traversal') and compared_with < 10 and same_answers < 4 and (kind = 'sensitive_files' or query is null) and sent_bytes > 0
                then 'it was answered, and nobody else asks for that path'
        end as why
    from compared
    inner join request_kind on request_kind.id = compared.id
)

select
    id, time, distribution, client_ip, user_agent, method, host, path, template, query, status, sent_bytes, time_taken_s, request_id, result_type,
    usual_bytes, compared_with, blocked_by_waf, counted_by_waf, waf_rule, reached_origin, answered_2xx, kind, payload, score, signals,
    case
        when blocked_by_waf then 'blocked'
        when why is not null then 'answered unusually'
        when answered_2xx then 'answered as usual'
        when status between 500 and 599 then 'failed'
        else 'refused'
    end as outcome,
    why
from weighed
-- A shell is one only where something answered; and a form's own parameter is not a command.
where kind <> 'web_shell'
    or answered_2xx and method <> 'HEAD' and regexp_matches(lower(path), '\.(php[0-9]?|phtml|pht|jspx?|aspx?|ashx|asmx|cfm|cgi|pl|py|sh|war)($|[/;%])');

-- --- one row for each client and stretch of time ---------------------------------------------------------------------------------------

-- of_kind: as in `attacks`. gap: a pause this long ends a stretch. min_score: weights that one request must have together, or five different
-- ones one less each. who: client, or network for the /24 (IPv4) or /64 (IPv6).
create or replace temp macro client_network_of(ip) as
    case when ip like '%:%:%' then
            case when ip like '%::%' and len(string_split(split_part(ip, '::', 1), ':')) < 4
                then array_to_string(list_concat(string_split(split_part(ip, '::', 1), ':'), list_transform(range(4 - len(string_split(split_part(ip, '::', 1), ':'))), lambda n: '0')), ':')
                else array_to_string(list_slice(string_split(replace(ip, '::', ':'), ':'), 1, 4), ':') end || '::/64'
        else regexp_replace(ip, '[.][0-9]+$', '.0/24') end;

create or replace temp macro attack_episodes(of_kind, gap, min_score, who) as table
with seen as (
    select
        case when who = 'network' then client_network_of(client_ip) else coalesce(client_ip, '(not logged)') end as entity,
        client_network_of(client_ip) as subnet,
        id, time, distribution, client_ip, user_agent, path, status, sent_bytes, request_id, usual_bytes, blocked_by_waf, counted_by_waf, waf_rule, reached_origin, answered_2xx,
        payload, score, signals, outcome, why
    from attacks
    where kind = of_kind
),

pause as (
    select seen.*, case when time - lag(time) over (partition by entity order by time, id) <= gap then 0 else 1 end as begins from seen
),

numbered as (
    select pause.*, sum(begins) over (partition by entity order by time, id rows unbounded preceding) as episode from pause
),

episode as (
    select
        entity,
        episode,
        min(time) as first_seen,
        max(time) as last_seen,
        count(*) as requests,
        count(distinct payload) as payloads,
        count(distinct path) as paths,
        count(distinct user_agent) as user_agents,
        count(distinct client_ip) as clients,
        min(subnet) as subnet,
        max(score) as score,
        count(distinct payload) filter (where score >= min_score - 1) as nearly,
        count(*) filter (where blocked_by_waf) as blocked_by_waf,
        count(*) filter (where counted_by_waf) as counted_by_waf,
        count(*) filter (where outcome = 'refused') as refused,
        count(*) filter (where outcome = 'failed') as failed,
        count(*) filter (where reached_origin) as reached_origin,
        count(*) filter (where answered_2xx) as answered_2xx,
        count(*) filter (where why is not null) as likely_success,
        arg_max(why, (why is not null, sent_bytes, id)) as why,
        arg_max(path, (why is not null, answered_2xx, score, id)) as path,
        arg_max(payload, (why is not null, answered_2xx, score, id)) as payload,
        arg_max(request_id, (why is not null, answered_2xx, score, id)) as request_id,
        arg_max(sent_bytes, (why is not null, answered_2xx, score, id)) as sent_bytes,
        arg_max(usual_bytes, (why is not null, answered_2xx, score, id)) as usual_bytes,
        max(waf_rule) as waf_rule,
        max(user_agent) as user_agent,
        list_sort(list_distinct(flatten(list(signals) filter (where score >= min_score)))) as signals,
        list_sort(list(distinct distribution)) as distributions
    from numbered
    group by entity, episode
    having max(score) >= min_score or count(distinct payload) filter (where score >= min_score - 1) >= 5
),

-- other addresses of the same /24 or /64 that did the same meanwhile
neighbour as (
    select one.entity, one.episode, count(distinct other.entity) as siblings
    from episode as one
    inner join episode as other on other.subnet = one.subnet and other.entity <> one.entity
        and other.first_seen <= one.last_seen + gap and other.last_seen >= one.first_seen - gap
    group by one.entity, one.episode
),

-- what the same client asked for afterwards, other than attacks of this kind
later as (
    select episode.entity, episode.episode, client_requests.path, count(*) as requests, count(*) filter (where status between 200 and 299) as answered, sum(client_requests.sent_bytes) as bytes
    from episode
    inner join client_requests on client_requests.client_ip = episode.entity and client_requests.time > episode.last_seen and client_requests.time <= episode.last_seen + gap
    group by episode.entity, episode.episode, client_requests.path
),

afterwards as (
    select entity, episode, sum(requests) as requests, sum(answered) as answered, arg_max(path, (answered, bytes, path)) as path
    from later
    group by entity, episode
)

select
    case when who = 'network' then 'client_network' else 'client_ip' end as entity_kind,
    episode.entity,
    first_seen,
    last_seen,
    episode.requests,
    case
        when likely_success > 0 then 'answered unusually: likely success'
        when episode.answered_2xx > 0 then 'answered as usual'
        when failed > 0 then 'the server failed'
        when blocked_by_waf > 0 then 'blocked'
        else 'refused'
    end as outcome,
    why,
    likely_success,
    answered_2xx,
    reached_origin,
    blocked_by_waf,
    counted_by_waf,
    refused,
    failed,
    payloads,
    paths,
    episode.path,
    substr(payload, 1, 300) as payload,
    array_to_string(signals, ', ') as signals,
    score,
    sent_bytes,
    cast(round(usual_bytes) as bigint) as usual_bytes,
    waf_rule,
    clients,
    user_agents,
    user_agent,
    coalesce(siblings, 0) as siblings,
    array_to_string(distributions, ', ') as distributions,
    cast(coalesce(afterwards.requests, 0) as bigint) as then_requests,
    cast(coalesce(afterwards.answered, 0) as bigint) as then_answered,
    afterwards.path as then_path,
    request_id
from episode
left join neighbour on neighbour.entity = episode.entity and neighbour.episode = episode.episode
left join afterwards on afterwards.entity = episode.entity and afterwards.episode = episode.episode;
