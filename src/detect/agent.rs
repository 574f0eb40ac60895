//! What kind of program a user agent names, and the families by which it may be told apart.
//!
//! A user agent is a claim. Declared bots and monitors are kept out of the evidence, since people are not hurt
//! when one is refused; they stay in the report.

use aho_corasick::AhoCorasick;

/// What a user agent says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Nothing was sent, or the log has no agents.
    Unknown,
    /// A browser.
    Browser,
    /// An application or library that somebody uses: `okhttp`, `curl`, `git`.
    Tool,
    /// A crawler that says so.
    Bot,
    /// An uptime check or load balancer that says so.
    Monitor,
    /// A scanner that says so.
    Scanner,
}

/// Needles in lower case; the first kind in this order that matches wins.
const SCANNERS: [&str; 18] = [
    "nikto",
    "sqlmap",
    "nuclei",
    "masscan",
    "zgrab",
    "nmap",
    "wpscan",
    "dirbuster",
    "gobuster",
    "ffuf",
    "hydra",
    "acunetix",
    "nessus",
    "openvas",
    "censys",
    "expanse",
    "feroxbuster",
    "l9explore",
];
const MONITORS: [&str; 18] = [
    "healthcheck",
    "kube-probe",
    "uptimerobot",
    "pingdom",
    "statuscake",
    "blackbox exporter",
    "blackbox-exporter",
    "site24x7",
    "check_http",
    "nagios",
    "datadogsynthetics",
    "uptime-kuma",
    "betteruptime",
    "freshping",
    "newrelicpinger",
    "googlehc",
    "haproxy-health",
    "zabbix",
];
const BOTS: [&str; 20] = [
    "bot/",
    "bot;",
    "bot)",
    "bot ",
    "-bot",
    "googlebot",
    "bingbot",
    "crawler",
    "spider",
    "slurp",
    "facebookexternalhit",
    "archiver",
    "mediapartners",
    "gptbot",
    "claudebot",
    "ccbot",
    "bytespider",
    "feedfetcher",
    "scrapy",
    "bingpreview",
];

/// Sorts user agents by kind.
pub(crate) struct Kinds {
    needles: Option<AhoCorasick>,
}

impl Kinds {
    pub(crate) fn new() -> Self {
        let all = SCANNERS.iter().chain(&MONITORS).chain(&BOTS);
        Self { needles: AhoCorasick::builder().ascii_case_insensitive(true).build(all).ok() }
    }

    pub(crate) fn of(&self, agent: &[u8]) -> Kind {
        if agent.is_empty() {
            return Kind::Unknown;
        }
        let first = self
            .needles
            .as_ref()
            .and_then(|needles| needles.find_overlapping_iter(agent).map(|m| m.pattern().as_usize()).min());
        match first {
            Some(i) if i < SCANNERS.len() => Kind::Scanner,
            Some(i) if i < SCANNERS.len() + MONITORS.len() => Kind::Monitor,
            Some(_) => Kind::Bot,
            None if agent.ends_with(b"bot") => Kind::Bot,
            None if agent.starts_with(b"Mozilla/") || agent.starts_with(b"Opera/") => Kind::Browser,
            None => Kind::Tool,
        }
    }
}

/// The families of an agent, from the wide to the narrow: `iOS`, `iOS 19`, `Mobile Safari`; or
/// `okhttp`, `okhttp/4.12.0`. A fault of one kind of client hits one of these.
pub(crate) fn families(agent: &[u8]) -> Vec<String> {
    let text = crate::model::logged::inert(agent);
    let mut families = Vec::new();
    if let Some((os, version)) = system(&text) {
        families.push(os.to_owned());
        if let Some(version) = version {
            families.push(format!("{os} {version}"));
        }
    }
    if text.starts_with("Mozilla/") {
        if let Some((browser, version)) = browser(&text) {
            if browser == "Safari" && families.first().is_some_and(|os| os == "iOS") {
                // A rule that meets Safari on the one system seldom meets it on the other; its version is the system's.
                families.push("Mobile Safari".to_owned());
            } else {
                families.push(browser.to_owned());
                if !version.is_empty() {
                    families.push(format!("{browser} {version}"));
                }
            }
        }
    } else {
        push_product(&text, &mut families);
    }
    families
}

fn push_product(text: &str, families: &mut Vec<String>) {
    let product = text.split([' ', '(', ';']).next().unwrap_or_default();
    let name = product.split('/').next().unwrap_or_default();
    if !name.is_empty() {
        families.push(name.to_owned());
        if product.len() > name.len() + 1 {
            families.push(product.to_owned());
        }
    }
}

fn major(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn after<'t>(text: &'t str, needle: &str) -> Option<&'t str> {
    text.find(needle).and_then(|at| text.get(at + needle.len()..))
}

fn system(text: &str) -> Option<(&'static str, Option<&str>)> {
    let versioned = |needle| after(text, needle).map(major).filter(|v| !v.is_empty());
    if text.contains("iPhone") || text.contains("iPad") || text.contains("iOS") {
        let version = versioned("iPhone OS ")
            .or_else(|| versioned("CPU OS "))
            .or_else(|| versioned("iOS "))
            .or_else(|| versioned("iOS/"));
        return Some(("iOS", version));
    }
    if text.contains("Android") {
        return Some(("Android", versioned("Android ").or_else(|| versioned("Android/"))));
    }
    [("Windows", "Windows"), ("Mac OS X", "macOS"), ("macOS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")]
        .iter()
        .find(|(needle, _)| text.contains(needle))
        .map(|(_, name)| (*name, None))
}

/// Most specific first: every Chromium browser also says Chrome, and every browser says Safari.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "Internet Explorer"),
    ("Trident/", "Internet Explorer"),
];

/// Most names end in a slash, of which an agent has few, so those places are looked at and not the whole text for each.
fn browser(text: &str) -> Option<(&'static str, &str)> {
    let slashes: Vec<usize> = memchr::memchr_iter(b'/', text.as_bytes()).collect();
    let after_slash = |needle: &str| slashes.iter().find(|at| text.get(..=**at).is_some_and(|t| t.ends_with(needle)));
    let after = |needle: &str| match needle.ends_with('/') {
        true => after_slash(needle).and_then(|at| text.get(at + 1..)),
        false => after(text, needle),
    };
    let named = BROWSERS.iter().find_map(|(needle, name)| after(needle).map(|version| (*name, major(version))));
    named.or_else(|| after("Safari/").map(|_| ("Safari", after("Version/").map_or("", major))))
}

#[cfg(test)]
mod tests {
    use super::{Kind, Kinds, families};

    #[test]
    fn families_run_from_wide_to_narrow() {
        let iphone = b"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1";
        assert_eq!(families(iphone), ["iOS", "iOS 19", "Mobile Safari"]);
        assert_eq!(families(b"okhttp/4.12.0"), ["okhttp", "okhttp/4.12.0"]);
        assert_eq!(
            families(b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
            ["Linux", "Firefox", "Firefox 128"]
        );
        assert_eq!(families(b"ShopApp/5.2 (iPhone; iOS 17.2)"), ["iOS", "iOS 17", "ShopApp", "ShopApp/5.2"]);
        assert!(families(b"").is_empty());
        assert_eq!(
            families(b"Mozilla/5.0 Trident/7.0 MSIE 11.0 Safari/1"),
            ["Internet Explorer", "Internet Explorer 11"]
        );
        assert_eq!(families(b"Mozilla/5.0 /Chrome/7 Chrome/8 / Edg/9"), ["Edge", "Edge 9"]);
        assert_eq!(families(b"Mozilla/5.0 /Chrome/7 Chrome/8"), ["Chrome", "Chrome 7"]);
        assert_eq!(families(b"Mozilla/5.0 Version/26.1 Safari/1"), ["Safari", "Safari 26"]);
        assert_eq!(families("Mozilla/5.0 \u{e9}/ Firefox/".as_bytes()), ["Firefox"]);
    }

    #[test]
    fn bots_and_monitors_say_so() {
        let kinds = Kinds::new();
        assert_eq!(kinds.of(b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"), Kind::Bot);
        assert_eq!(kinds.of(b"UptimeRobot/2.0 (http://www.uptimerobot.com/)"), Kind::Monitor);
        assert_eq!(kinds.of(b"Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)"), Kind::Monitor);
        assert_eq!(kinds.of(b"Mozilla/5.0 (Hydra)"), Kind::Scanner);
        assert_eq!(kinds.of(b"curl/8.5.0"), Kind::Tool);
        assert_eq!(kinds.of(b""), Kind::Unknown);
    }
}
