//! Ours: faults of the server, of its rules and of the services behind it; last, the wider names for where the log
//! cannot tell two of them apart.

use super::{Cause, Verdict};

// Checks that several causes share. `/var/log/*/*error[._]log` is nginx/error.log and apache2/error.log on Debian,
// httpd/error_log on RHEL, and the logs of virtual hosts beside them.

const CHANGED: &str = "Which configuration files changed, appeared or got other permissions? `find /etc/nginx /etc/apache2 /etc/httpd -newerct '{since}' -ls 2>/dev/null`";
const RELOADED: &str =
    "Was the server reloaded, restarted or upgraded then? `journalctl -u nginx -u apache2 -u httpd --since '{since}'`";
const RUNNING: &str = "Since when does the running configuration apply? A reload starts new workers. `ps -o pid,lstart,args -C nginx,apache2,httpd`";
const FORBIDDEN: &str = "Does the server say why it refuses? If not, nginx has a return 403, or the application refuses. `grep -hE 'forbidden by rule|AH01630|AH01797|denied' /var/log/*/*error[._]log | tail -n 20`";
const NGINX_RULES: &str = "Which nginx rules can refuse? `nginx -T | grep -nE '^# configuration file|location |allow |deny |return 403|satisfy'`";
const APACHE_RULES: &str = r"Which Apache rules can refuse? `grep -RsnE --exclude-dir='*-available' '^\s*(Require|Deny|Allow|RewriteRule) ' /etc/apache2 /etc/httpd/conf*`";
const NGINX_PASSWORD_FILE: &str = r"Is the nginx password file there, of the usual size, and unchanged? `cd /etc/nginx && nginx -T | grep -oP 'auth_basic_user_file\s+\K[^;]+' | sort -u | xargs -r ls -lL`";
const APACHE_PASSWORD_FILE: &str = r"Is the Apache password or group file? `grep -RshoP '^\s*Auth(User|Group)File\s+\K\S+' /etc/apache2 /etc/httpd/conf* | sort -u | xargs -r ls -lL`";
const PASSWORD_ERRORS: &str = "Many names «not found» mean a lost file, many «mismatch» a replaced one. `grep -hE 'not found in|password mismatch|htpasswd|AH016(17|18|20)' /var/log/*/*error[._]log | tail -n 20`";
const AUTH_ERRORS: &str = r"Does the server reach the service that decides? `grep -hiE 'auth request|connect\(\) failed|upstream timed out|ldap' /var/log/*/*error[._]log | tail -n 20`";
const AUTH_SERVICE: &str =
    "Which service decides? `nginx -T | grep -nE '^# configuration file|auth_request|auth_jwt|auth_ldap|proxy_pass'`";
const FAILED_UNITS: &str = "Is a service down? `systemctl list-units --failed`";
const ERRORS: &str = "What else went wrong on this host? `journalctl -p err --since '{since}'`";
const SESSION_STORE: &str = "Did the session store restart or run out of memory? `journalctl -u redis-server -u redis -u valkey -u memcached --since '{since}'`";
const REDIS: &str = "Was Redis flushed, or did it evict keys? `redis-cli INFO all | grep -E 'uptime_in_seconds|evicted_keys|cmdstat_flush|^db[0-9]'`";
const TOKEN_ERRORS: &str = "What do the applications say about tokens? `journalctl --since '{since}' | grep -iE 'jwks|jwt|kid|signature|not yet valid|token (is )?(expired|invalid)'`";
const CLOCK: &str = "Is this host's clock right? Without chrony: timedatectl. `chronyc tracking`";
const DENIED_FILES: &str = "Does the server say that it may not read files? `grep -hE 'Permission denied|directory index of|AH0003[57]|AH00132|AH01276' /var/log/*/*error[._]log | tail -n 20`";
const NAMEI: &str =
    "May the worker enter every folder down to the files? Put the document root first. `namei -l /var/www/html`";
const WAF_RULES: &str = r#"Which ModSecurity rules match? 949110 only sums up the others. `grep -hoE '\[id "[0-9]+"\]' /var/log/modsec_audit.log /var/log/*/modsec_audit.log | sort | uniq -c | sort -rn | head`"#;
const WAF_UPDATE: &str = "Were rules or lists updated? `find /etc/modsecurity /usr/share/modsecurity-crs /etc/httpd/modsecurity.d /etc/crowdsec -newerct '{since}' -ls 2>/dev/null`";
const DECISIONS: &str =
    "Did a tool put the addresses on a list? With fail2ban: fail2ban-client status. `cscli decisions list`";
const ADDRESS_RULES: &str =
    "Which rules name addresses or countries? `nginx -T | grep -nE '^# configuration file|allow |deny |geo|map '`";
const APACHE_ADDRESS_RULES: &str = "Which in Apache? `grep -RsnE --exclude-dir='*-available' 'Require (not )?ip|(Allow|Deny) from|GeoIP|MaxMind' /etc/apache2 /etc/httpd/conf*`";
const ONE_CLIENT: &str = "What does the error log say about one of those refused? `grep -hwF '{client}' /var/log/*/*error[._]log | tail -n 20`";
const REAL_IP: &str = "Does the server still see the clients' addresses, not a proxy's? `nginx -T | grep -nE 'set_real_ip_from|real_ip_header'`";
const ASK_HERE: &str = "Does this host refuse you as well? `curl -sk -D - -o /dev/null --resolve '{vhost}:443:127.0.0.1' 'https://{vhost}{path}'`";
const ASK_OFTEN: &str = "What share of requests is refused? `for i in $(seq 20); do curl -sk -D - -o /dev/null 'https://{vhost}{path}' | head -n 1; done`";
const UPSTREAMS: &str = "Which instances serve it? `nginx -T | grep -nE '^# configuration file|upstream |server [^_]|proxy_pass|split_clients'`";
const FINGERPRINT: &str =
    "Do all hosts have the same configuration? Run this on each and compare. `nginx -T 2>/dev/null | sha256sum`";
const ETC_HISTORY: &str =
    "If /etc is under version control (etckeeper): what changed? `git -C /etc log -p --since='{since}'`";

pub(super) const CAUSES: &[Cause] = &[
    Cause {
        id: "credentials_store_lost",
        title: "password file or user table lost",
        verdict: Verdict::ServerSide,
        looks_like: "From one moment on, requests that carry a user name are refused for nearly all users of one protected area; names that were served minutes before included. nginx answers 403 to those who send credentials where its password file is missing, 401 where it is empty; Apache 500 where it cannot be read.",
        against: "Many users are still served there, or the names tried were never served.",
        false_positives: "A deliberate change of all passwords; an area that was closed and only keeps its login prompt.",
        technique: None,
        next_checks: &[
            PASSWORD_ERRORS,
            NGINX_PASSWORD_FILE,
            APACHE_PASSWORD_FILE,
            "May the worker (www-data, nginx or apache) read that file? `namei -l /etc/nginx/.htpasswd`",
            "Does an account from the backup still work? Put in the file and a name. `htpasswd -v /etc/nginx/.htpasswd NAME`",
            "Are accounts kept in LDAP or SQL? Then look there whether they still exist. `grep -RsnE 'AuthLDAPURL|AuthDBDUserPWQuery' /etc/apache2 /etc/httpd/conf*`",
        ],
    },
    Cause {
        id: "auth_backend_down",
        title: "authentication service down",
        verdict: Verdict::ServerSide,
        looks_like: "On every protected route at once, nearly everybody is refused who was served before; public pages work. The refusals are 401 or 403 where the service answers wrongly, 500 where nginx or Apache does not reach it.",
        against: "Only one route, one network or one kind of client is refused, or those refused are served again after logging in.",
        false_positives: "Planned maintenance of the identity provider; a load test without credentials.",
        technique: None,
        next_checks: &[
            AUTH_ERRORS,
            FAILED_UNITS,
            AUTH_SERVICE,
            "And in Apache? `grep -RsnE --exclude-dir='*-available' 'AuthBasicProvider|AuthLDAPURL|OIDCProvider' /etc/apache2 /etc/httpd/conf*`",
            "Do connections to it hang? `ss -tnp state syn-sent`",
            ERRORS,
        ],
    },
    Cause {
        id: "login_backend_down",
        title: "logging in is broken",
        verdict: Verdict::ServerSide,
        looks_like: "Only the login or token endpoint refuses, and it refuses nearly everybody, users who used to get in included. Those who are logged in already go on working.",
        against: "Some logins still succeed at the usual rate: then somebody else is trying passwords.",
        false_positives: "Password guessing that drowns the few real logins of a quiet hour; a login form that moved to another path.",
        technique: None,
        next_checks: &[
            "Log in with a test account, and read what the application logs meanwhile. `journalctl -f -p warning`",
            FAILED_UNITS,
            "Do connections to the database, LDAP or identity provider hang? `ss -tnp state syn-sent`",
            "Has a certificate on the way there expired? `echo | openssl s_client -connect LDAP-HOST:636 2>/dev/null | openssl x509 -noout -dates`",
            "With single sign-on: does the provider answer? `curl -sS -m 5 https://ISSUER/.well-known/openid-configuration`",
            UPSTREAMS,
        ],
    },
    Cause {
        id: "signing_key_rotated",
        title: "tokens signed with a key no longer accepted",
        verdict: Verdict::ServerSide,
        looks_like: "All at once 401 for clients that were served minutes before, on every route that takes a token. Each is served again after logging in or renewing its token; where verifiers keep an old key set, not even then.",
        against: "Clients are refused one by one, each a fixed time after its login: that is expiry.",
        false_positives: "A lost session store looks the same where the log shows no tokens; a planned rotation that was meant to log everybody out.",
        technique: None,
        next_checks: &[
            TOKEN_ERRORS,
            "Does the published key set hold the kid in the header of a refused token? `curl -sS -m 5 https://ISSUER/.well-known/jwks.json`",
            "Was a key or secret replaced? `find /etc /opt /srv -newerct '{since}' '(' -name '*.pem' -o -name '*.key' -o -name '*.env' -o -name 'jwks*' ')' 2>/dev/null`",
            "Where does nginx take its keys from? `nginx -T | grep -nE '^# configuration file|auth_jwt|jwks'`",
            "Have services that keep the key set in memory fetch it again: reload or restart them.",
            "Do all instances have the same secret (such as SECRET_KEY or JWT_SECRET)? If in doubt, put the old key back beside the new one.",
        ],
    },
    Cause {
        id: "session_store_flush",
        title: "everybody logged out at once",
        verdict: Verdict::ServerSide,
        looks_like: "At one moment sessions die that were minutes old: each client has a few 401 (or redirects to the login), logs in again and is served. Logins peak just afterwards.",
        against: "Sessions end after a fixed idle time, at the same hour every day, or are not accepted even after a new login.",
        false_positives: "Monday morning and the end of a holiday, when sessions had ended by themselves; a deliberate log-out of everybody.",
        technique: None,
        next_checks: &[
            SESSION_STORE,
            REDIS,
            "Was anything killed for want of memory? `journalctl -k --since '{since}' | grep -iE 'out of memory|oom-kill'`",
            "Are sessions in files, and were they cleared? `ls -ld --time-style=full-iso /var/lib/php/session*`",
            "Did a deploy or restart make a new session secret, or drop sessions that were kept in memory? `journalctl --since '{since}' | grep -E 'Reload|Restart|Stopped|deploy'`",
        ],
    },
    Cause {
        id: "clock_skew",
        title: "a clock is wrong, so tokens are refused",
        verdict: Verdict::ServerSide,
        looks_like: "Tokens are refused as not yet valid or expired: fresh ones fail and work a little later, or they die earlier than they used to. It begins at a restart, a resume or a step of the clock, or grows slowly.",
        against: "All requests fail, even with tokens that are neither fresh nor old; or basic authentication is hit, which knows no time.",
        false_positives: "A shortened lifetime of tokens; phones whose own clock is wrong, which are few and stay the same.",
        technique: None,
        next_checks: &[
            CLOCK,
            "Is time synchronised, and since when? `journalctl -u chrony -u chronyd -u systemd-timesyncd --since '{since}'`",
            "Does it agree with the issuer's clock? `curl -sSI -m 5 https://ISSUER/ | grep -i '^date:'; date -u`",
            TOKEN_ERRORS,
            "Was the machine suspended or moved? `journalctl -k --since '{since}' | grep -iE 'clocksource|suspend|resum'`",
            "Run the first check on every instance that checks tokens, and on the issuer.",
        ],
    },
    Cause {
        id: "deny_rule",
        title: "a rule refuses people it should let in",
        verdict: Verdict::ServerSide,
        looks_like: "From one moment on, everybody is refused with 403 in one area or on the whole site, at once and always, with the server's own small error page. It ends as sharply, at a reload.",
        against: "Some are still served there, or the pages refused never were served to anyone.",
        false_positives: "An area closed on purpose, such as a retired page or maintenance; a rule against bots that hits bots only.",
        technique: None,
        next_checks: &[FORBIDDEN, CHANGED, NGINX_RULES, APACHE_RULES, RUNNING, REAL_IP],
    },
    Cause {
        id: "deploy_route_block",
        title: "route refused since a deploy",
        verdict: Verdict::ServerSide,
        looks_like: "One route, and what lies below it, is refused with 403 to everybody from one moment on, while the rest of the site works. The answers have the same few sizes.",
        against: "The whole site is refused, only some clients are, or it stops and starts without any deploy.",
        false_positives: "A route that was retired or restricted on purpose; a route that had only ever served a few accounts.",
        technique: None,
        next_checks: &[
            "What was deployed or reloaded just before? `journalctl --since '{since}' | grep -E 'Reload|Restart|Stopped|deploy'`",
            CHANGED,
            NGINX_RULES,
            FORBIDDEN,
            "Does the application refuse, or the server in front of it? Ask the application, on its own port. `curl -s -D - -o /dev/null 'http://127.0.0.1:8080{path}'`",
            ASK_HERE,
        ],
    },
    Cause {
        id: "file_permissions",
        title: "the server may not read its files",
        verdict: Verdict::ServerSide,
        looks_like: "Static files or whole folders give 403 to everybody from one moment on, often just after a deploy; pages that the application makes are still served.",
        against: "Requests that touch no file (POST, API routes) are refused as well.",
        false_positives: "A folder without index page that only strangers ask for; hotlink protection for images.",
        technique: None,
        next_checks: &[
            DENIED_FILES,
            NAMEI,
            "Which files became unreadable for others? `find /var/www /srv -newerct '{since}' ! -perm -o=r -ls 2>/dev/null | head`",
            "Does SELinux refuse? Then restorecon -Rv on the document root. `ausearch -m avc -ts today | grep -E 'nginx|httpd' | tail`",
            "Where are the files, and as whom does nginx read them? `nginx -T | grep -nE '^# configuration file|^user |root |alias |index '`",
        ],
    },
    Cause {
        id: "waf_false_positive",
        title: "a filter takes real clients for attackers",
        verdict: Verdict::ServerSide,
        looks_like: "One kind of client (a browser version, an app, a protocol version) is refused with 403 everywhere and from many networks; others are served on the same pages.",
        against: "Those refused come from one network, were never served, or ask for what only scanners ask for.",
        false_positives: "A rule that is meant to keep out a bot which names itself as a browser; an old app version that was shut out on purpose.",
        technique: None,
        next_checks: &[
            WAF_RULES,
            WAF_UPDATE,
            "Does a rule of the server name user agents? `nginx -T | grep -nE '^# configuration file|http_user_agent|server_protocol'`",
            "Or one in Apache? `grep -RsniE --exclude-dir='*-available' 'BrowserMatch|User-Agent|User_Agent' /etc/apache2 /etc/httpd/conf*`",
            "Does it happen with that user agent only? `curl -sk -D - -o /dev/null -A 'USER AGENT' 'https://{vhost}{path}'`",
            "Until the rule is mended, exclude it for the route, or let it only report. `grep -RsnE 'SecRuleEngine|SecRuleRemove' /etc/modsecurity /etc/nginx /etc/httpd/*.d`",
        ],
    },
    Cause {
        id: "waf_network_block",
        title: "a network of real users is blocked",
        verdict: Verdict::ServerSide,
        looks_like: "Everybody in one network, or over IPv6, is refused with 403 on every page from one moment on, with many kinds of user agent among them; other networks notice nothing.",
        against: "One user agent only comes from there, or the network sent attacks just before.",
        false_positives: "A block against an attack from that network, with few real users in it.",
        technique: None,
        next_checks: &[
            DECISIONS,
            ADDRESS_RULES,
            APACHE_ADDRESS_RULES,
            ONE_CLIENT,
            "Was a country database updated? `ls -l --time-style=full-iso /usr/share/GeoIP /var/lib/GeoIP`",
            "Whose network is it? `whois '{client}'`",
        ],
    },
    Cause {
        id: "allowlist_typo",
        title: "an address left out of the allow list",
        verdict: Verdict::ServerSide,
        looks_like: "Clients of one network that used an internal area until then are refused there with 403, mostly with valid user names; the other networks on the list are served.",
        against: "The network is refused everywhere, or it never was served there.",
        false_positives: "An office that moved, or got another address from its provider; access that was withdrawn on purpose.",
        technique: None,
        next_checks: &[
            ADDRESS_RULES,
            APACHE_ADDRESS_RULES,
            CHANGED,
            ETC_HISTORY,
            "Is the refused address, as the server sees it, inside a network on the list? Look at the prefix length, and whether IPv6 is missing.",
            ONE_CLIENT,
        ],
    },
    Cause {
        id: "partial_rollout",
        title: "a part of the servers refuses",
        verdict: Verdict::ServerSide,
        looks_like: "A steady share of requests, such as a third, is refused for everybody; the same client is served and refused in turn. The share may grow in steps.",
        against: "The same clients are always refused and the others never; or the share is what one busy client makes.",
        false_positives: "Rate limiting, which also refuses a share but of the busiest clients only; an experiment on some users.",
        technique: None,
        next_checks: &[
            ASK_OFTEN,
            UPSTREAMS,
            FINGERPRINT,
            "Which release does each instance run? Stop the rollout, or take the new instances out.",
            RUNNING,
            RELOADED,
        ],
    },
    Cause {
        id: "bad_upstream",
        title: "one upstream refuses, the others serve",
        verdict: Verdict::ServerSide,
        looks_like: "All refusals come from one upstream address, or a fixed share of requests fails and a retry mostly works; the other instances serve the same clients.",
        against: "Refusals are spread over all upstreams in proportion.",
        false_positives: "An upstream that alone serves a restricted area.",
        technique: None,
        next_checks: &[
            "Ask each instance directly. `curl -s -D - -o /dev/null 'http://UPSTREAM:PORT{path}'`",
            UPSTREAMS,
            "Take it out of the balancing: mark its server line in nginx as «down», then reload. `nginx -t && systemctl reload nginx`",
            "Do its clock, secrets, release and configuration match the others'? `timedatectl; nginx -T 2>/dev/null | sha256sum`",
            "With HAProxy: how many answers of each class (2xx, 4xx, 5xx) does each instance give? `echo 'show stat' | socat stdio /run/haproxy/admin.sock | cut -d, -f1,2,18,41,43,44`",
            "Does the log format name the upstream? If not, add $upstream_addr to it. `nginx -T | grep -n -A 4 log_format`",
        ],
    },
    Cause {
        id: "slow_burn",
        title: "a small share refused for a long time",
        verdict: Verdict::ServerSide,
        looks_like: "For hours or days a few percent of clients that were served before are refused, more than usual but never many at once, and with nothing else in common.",
        against: "A handful of clients makes all of it, or it comes back at the same hours every day.",
        false_positives: "More visitors than usual with old bookmarks; a client release that renews its tokens too late.",
        technique: None,
        next_checks: &[
            "When did it begin? Look at a longer stretch of the log. `authfault analyze --since 14d /var/log/nginx/access.log*`",
            "Are refusals cached, and served to others? `nginx -T | grep -nE '^# configuration file|proxy_cache|fastcgi_cache'`",
            "Does the session store evict sessions? `redis-cli INFO all | grep -E 'evicted_keys|maxmemory'`",
            "Does one instance of many differ? Run this on each and compare. `timedatectl; nginx -T 2>/dev/null | sha256sum`",
            ETC_HISTORY,
            TOKEN_ERRORS,
        ],
    },
    Cause {
        id: "unknown",
        title: "known-good clients refused, reason unknown",
        verdict: Verdict::ServerSide,
        looks_like: "Many clients that were served before are refused together, from many networks and with many user agents, without the marks of any known cause.",
        against: "Those refused have an owner, a program or a schedule in common.",
        false_positives: "Something outside that moves many users at once, such as a mailing with a wrong link.",
        technique: None,
        next_checks: &[
            FORBIDDEN,
            "And why does it ask for credentials again? `grep -hiE 'auth|password|AH016|ldap' /var/log/*/*error[._]log | tail -n 20`",
            CHANGED,
            RELOADED,
            FAILED_UNITS,
            ASK_HERE,
        ],
    },
    Cause {
        id: "credentials_rejected",
        title: "good credentials are rejected",
        verdict: Verdict::ServerSide,
        looks_like: "Users who were served before are refused with their names and passwords, nearly all of them and at once: the store of accounts is lost, or the service that checks them is down.",
        against: "Many of them are still served there, or the names tried were never served.",
        false_positives: "A deliberate change of all passwords; guessing by strangers in a quiet hour.",
        technique: None,
        next_checks: &[
            PASSWORD_ERRORS,
            AUTH_ERRORS,
            NGINX_PASSWORD_FILE,
            APACHE_PASSWORD_FILE,
            FAILED_UNITS,
            AUTH_SERVICE,
        ],
    },
    Cause {
        id: "sessions_invalidated",
        title: "sessions or tokens became invalid at once",
        verdict: Verdict::ServerSide,
        looks_like: "Sessions or tokens that were minutes old are refused for nearly everybody at one moment: the session store was emptied, the signing key changed, or a clock is wrong.",
        against: "Sessions end one by one, each a fixed time after its login, or at the same hour every day.",
        false_positives: "Monday morning, when sessions had ended by themselves; a deliberate log-out of everybody.",
        technique: None,
        next_checks: &[
            TOKEN_ERRORS,
            SESSION_STORE,
            REDIS,
            CLOCK,
            "Was a key or secret replaced? `find /etc /opt /srv -newerct '{since}' '(' -name '*.pem' -o -name '*.key' -o -name '*.env' ')' 2>/dev/null`",
            "Do those who log in again stay logged in? If not, the key or a clock is wrong rather than the store.",
        ],
    },
    Cause {
        id: "access_rule",
        title: "a rule, a deploy or permissions refuse",
        verdict: Verdict::ServerSide,
        looks_like: "One area or the whole site gives 403 to everybody from one moment on, whoever they are: a new rule, a deploy, or files that the server may not read.",
        against: "Only one kind of client, one network or a share of requests is refused.",
        false_positives: "An area that was closed on purpose, or never was open to the public.",
        technique: None,
        next_checks: &[
            "Rule or permissions? The error log tells. `grep -hE 'forbidden by rule|Permission denied|directory index of|AH01630|AH0003[57]' /var/log/*/*error[._]log | tail -n 20`",
            CHANGED,
            NGINX_RULES,
            APACHE_RULES,
            "Which files does Apache read? `apachectl -t -D DUMP_INCLUDES || httpd -t -D DUMP_INCLUDES`",
            NAMEI,
        ],
    },
    Cause {
        id: "waf_or_network_block",
        title: "a filter or list blocks real users",
        verdict: Verdict::ServerSide,
        looks_like: "One group of clients (a network, or a kind of program) is refused with 403 from one moment on, while others are served on the same pages: a filter rule, a block list or an allow list.",
        against: "Those refused were never served before, or ask for what only scanners ask for.",
        false_positives: "A block against an attack that came from the same network or named itself the same way.",
        technique: None,
        next_checks: &[WAF_RULES, DECISIONS, ADDRESS_RULES, APACHE_ADDRESS_RULES, ONE_CLIENT, WAF_UPDATE],
    },
];
