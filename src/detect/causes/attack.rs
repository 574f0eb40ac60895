//! Somebody tries to get in, or takes too much: nothing is broken, but something may be worth doing.

use super::{Cause, Verdict};

const NGINX_LIMIT: &str = "Slow it down in nginx: limit_req zone=login burst=5 nodelay; in the location, limit_req_status 429; beside it, and in http `limit_req_zone $binary_remote_addr zone=login:10m rate=10r/m;`";
const SUCCEEDED: &str = r#"Did it get in? Look for answers other than refusals. `grep -hwF '{client}' /var/log/*/*access[._]log | grep -E '" (200|204|302|303) '`"#;
const SECOND_FACTOR: &str = "Require a second factor, at least for accounts with rights.";

pub(super) const CAUSES: &[Cause] = &[
    Cause {
        id: "brute_force",
        title: "password guessing from few addresses",
        verdict: Verdict::Attack,
        looks_like: "One address or a few try passwords for one account or a few, many tries a minute, on a login endpoint or with basic authentication; hardly any succeed. Everybody else is served.",
        against: "The same client was served with that name before: then its stored password is old.",
        false_positives: "A forgotten script or phone with an old password; many users behind one office address.",
        technique: Some("T1110.001"),
        next_checks: &[
            SUCCEEDED,
            "Block the address for some hours; with fail2ban: fail2ban-client set JAIL banip ADDRESS. `cscli decisions add --ip '{client}' --duration 4h`",
            NGINX_LIMIT,
            "Change the password of an account that was tried, if it is weak or one try succeeded, and end its sessions.",
            "Lock or delay the account after several failures, for minutes rather than for good: a lockout for good can be abused.",
            SECOND_FACTOR,
        ],
    },
    Cause {
        id: "credential_stuffing",
        title: "stolen credentials tried from many addresses",
        verdict: Verdict::Attack,
        looks_like: "Many addresses that were never served before send a few logins each, every one with another name; nearly all fail, while known users still get in.",
        against: "Clients that used to log in fail as well, and successes collapse: then logging in is broken.",
        false_positives: "A mailing or an app release that sends many new users to the login; a broken login in a quiet hour.",
        technique: Some("T1110.004"),
        next_checks: &[
            "Which tries succeeded? Force a new password there and end the sessions. `grep -hE 'POST [^ ]*(login|token|auth|session)[^ ]* HTTP/[0-9.]+. (200|302|303) ' /var/log/*/*access[._]log | tail`",
            "Limit by account and by network as well as by address: each address makes few tries.",
            NGINX_LIMIT,
            "Challenge (such as a captcha) logins from networks and devices that the account has not used before.",
            SECOND_FACTOR,
            "Refuse passwords known from leaks, and tell the owners of accounts that were entered.",
        ],
    },
    Cause {
        id: "password_spray",
        title: "a few passwords tried on many accounts",
        verdict: Verdict::Attack,
        looks_like: "Few addresses try many user names with one or a few tries each, slowly enough to stay below lockouts.",
        against: "The names were served from these addresses before: then it is an office whose users fail together.",
        false_positives: "A gateway or office behind one address, just after a change of passwords.",
        technique: Some("T1110.003"),
        next_checks: &[
            SUCCEEDED,
            "Count failures by address over all names, not only by name: a lockout by name does not see this.",
            "Block the addresses for some days; with fail2ban: fail2ban-client set JAIL banip ADDRESS. `cscli decisions add --ip '{client}' --duration 72h`",
            "Change the passwords of accounts that were entered or have one that is easy to guess.",
            NGINX_LIMIT,
            SECOND_FACTOR,
        ],
    },
    Cause {
        id: "scanner",
        title: "scanner asking for many paths",
        verdict: Verdict::Attack,
        looks_like: "One address or a few ask for many different paths, mostly ones that never existed here (.env, .git, admin pages), and get 403, 401 and 404 in turn.",
        against: "The paths are ones that visitors are served, or many known clients ask for them.",
        false_positives: "Your own security scan; a broken crawler; a page with many dead links.",
        technique: Some("T1595"),
        next_checks: &[
            SUCCEEDED,
            "Does anything like that lie open? `find /var/www /srv '(' -name '.git' -o -name '.env*' -o -name '*.sql' -o -name '*.bak' ')' 2>/dev/null | head`",
            "Is it your own scan, or one that you ordered? Ask before blocking.",
            "Block the address; with fail2ban: fail2ban-client set JAIL banip ADDRESS. `cscli decisions add --ip '{client}' --duration 24h`",
            "Is the software behind these paths up to date? `apt list --upgradable 2>/dev/null || dnf check-update`",
        ],
    },
    Cause {
        id: "bot_swarm",
        title: "swarm of bots, refused by a rule",
        verdict: Verdict::Attack,
        looks_like: "Many addresses, often of hosting providers and with few kinds of user agent, fetch pages at machine speed. They were served at first and are now refused by a rule or a filter.",
        against: "The refused have as many kinds of user agent as visitors have, or load images and styles with each page.",
        false_positives: "A filter that hits real users of one network or browser; a new app that fetches much.",
        technique: Some("T1594"),
        next_checks: &[
            "Does the rule hit people as well? Look at the user agents refused. `grep -h ' 403 ' /var/log/*/*access[._]log | awk -F '\"' '$6 != \"-\"' | cut -d '\"' -f 6 | sort | uniq -c | sort -rn | head`",
            "Whose network is it? `whois '{client}'`",
            "Limit by network and by cost of the page, so that visitors are still served when a rule misses.",
            "Challenge instead of refusing where people may be among them, and offer an API or a dump to those who only want the data.",
            "Keep caches in front of what they fetch most. `nginx -T | grep -nE 'proxy_cache|limit_req|limit_conn'`",
        ],
    },
];
