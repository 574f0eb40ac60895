//! Ours: faults of the server, its rules and the services behind it, and the wider names where the log cannot tell two apart.

use super::{Cause, Verdict};

const CHANGED: &str = "Which configuration files changed (or appeared, or got other permissions)? `find /etc/nginx /etc/apache2 /etc/httpd -newerct '{since}' -ls 2>/dev/null`";
const RELOADED: &str =
    "Was the server reloaded, restarted or upgraded then? `journalctl -u nginx -u apache2 -u httpd --since '{since}'`";
const RUNNING: &str =
    "Since when does the running configuration apply? Workers start anew at every reload. `ps -o pid,lstart,args -C nginx,apache2,httpd`";
const FORBIDDEN: &str = "Why does the server say it refuses? No line at all means `return 403`-like rules or the application.";
const NGINX_RULES: &str =
    "Which nginx rules can refuse? `nginx -T | grep -nE '^# configuration file|allow |deny |return 403|satisfy|location '`";
const APACHE_RULES: &str = r"Which Apache rules can refuse? `grep -RsnE '^\s*(Require|Deny|Allow|Order|RewriteRule.*\[.*F) ?' /etc/apache2 /etc/httpd/conf*`";
