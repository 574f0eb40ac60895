//! The configuration of nginx and Apache, as far as it says where logs are and in which format. Owns the grammar of
//! both and what logging directives mean; files are read by whoever calls.
//!
//! Sources: <https://nginx.org/en/docs/http/ngx_http_log_module.html>,
//! <https://nginx.org/en/docs/ngx_core_module.html#error_log>,
//! <https://httpd.apache.org/docs/2.4/mod/mod_log_config.html>, <https://httpd.apache.org/docs/2.4/mod/core.html>.

use super::{parser::Parser as LineFormat, template::TemplateError};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{is_not, tag, take_while, take_while1},
    character::complete::{anychar, char, none_of},
    combinator::{recognize, value, verify},
    multi::{fold_many0, fold_many1, many0_count},
    sequence::{delimited, preceded},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Files read at most, and how deep they may include each other.
const FILES_MAX: usize = 1000;
const DEPTH_MAX: usize = 32;

/// What a server's configuration says about its logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerConfig {
    /// The named formats, as the statements that define them.
    pub formats: BTreeMap<String, String>,
    /// The access logs, in the order of the configuration.
    pub access_logs: Vec<ConfiguredLog>,
    /// The error logs, in the order of the configuration.
    pub error_logs: Vec<ConfiguredLog>,
    /// Files that are included and could not be read, or are one too many.
    pub unread: Vec<PathBuf>,
}

/// A log that a configuration names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfiguredLog {
    /// Where it is.
    pub path: PathBuf,
    /// The name of its format, or the format itself; empty for an error log.
    pub format: String,
    /// The virtual host that it belongs to; empty where it is for all.
    pub vhost: String,
}

/// Gives the files that a pattern names, in order, each with its text.
type Load<'l> = dyn FnMut(&Path) -> Vec<(PathBuf, String)> + 'l;

impl ServerConfig {
    /// Reads a configuration from its main file. `root` is the folder of that file; relative includes are looked for
    /// there, or in Apache's `ServerRoot`.
    #[must_use]
    pub fn read(text: &str, root: &Path, load: &mut Load<'_>) -> Self {
        let mut config = Self::default();
        let mut reader =
            Reader { config: &mut config, load, files: 0, root: root.to_owned(), defines: BTreeMap::new() };
        if is_apache(text) {
            reader.apache(text, &mut Vec::new(), 0);
        } else {
            reader.nginx(text, "", 0);
        }
        config
    }

    /// The format of a log, ready to read lines.
    ///
    /// # Errors
    /// Where its text is no format.
    pub fn parser(&self, log: &ConfiguredLog) -> Result<LineFormat, TemplateError> {
        let text = self.formats.get(&log.format).unwrap_or(&log.format);
        LineFormat::from_template(text)
    }

    /// Every format, ready to read lines; those that lack what an event needs are left out.
    #[must_use]
    pub fn parsers(&self) -> Vec<LineFormat> {
        let parsers = self.formats.values().filter_map(|text| LineFormat::from_template(text).ok());
        parsers.filter(|parser| parser.missing().is_empty()).collect()
    }

    /// The configured log that a file is, or was before it was rotated or copied elsewhere.
    #[must_use]
    pub fn log_of(&self, path: &Path) -> Option<&ConfiguredLog> {
        let name = path.file_name()?.to_str()?;
        let named = |log: &&ConfiguredLog| {
            log.path.file_name().and_then(|n| n.to_str()).is_some_and(|configured| name.starts_with(configured))
        };
        let rank =
            |log: &&ConfiguredLog| (log.path.parent() == path.parent(), log.path.file_name().map_or(0, |n| n.len()));
        self.access_logs.iter().filter(named).max_by_key(rank)
    }
}

fn is_apache(text: &str) -> bool {
    let words = ["<virtualhost", "<ifmodule", "<directory", "logformat", "customlog", "serverroot", "documentroot"];
    let is_word = |line: &str| words.iter().any(|word| line.trim_start().to_ascii_lowercase().starts_with(word));
    text.lines().any(is_word)
}

struct Reader<'r, 'l> {
    config: &'r mut ServerConfig,
    load: &'r mut Load<'l>,
    files: usize,
    root: PathBuf,
    /// Apache's `Define`d variables.
    defines: BTreeMap<String, String>,
}

impl Reader<'_, '_> {
    /// The files of an include.
    fn included(&mut self, pattern: &str, depth: usize) -> Vec<String> {
        let pattern = self.root.join(pattern);
        let files = if depth < DEPTH_MAX { (self.load)(&pattern) } else { Vec::new() };
        if files.is_empty() && !pattern.to_string_lossy().contains(['*', '?', '[']) {
            self.config.unread.push(pattern);
        }
        let room = FILES_MAX.saturating_sub(self.files);
        self.files += files.len();
        self.config.unread.extend(files.iter().skip(room).map(|(path, _)| path.clone()));
        files.into_iter().take(room).map(|(_, text)| text).collect()
    }

    // ---- nginx --------------------------------------------------------------------------------------------

    fn nginx(&mut self, text: &str, vhost: &str, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        let directives = nginx_directives(text);
        let named = directives.iter().find(|d| d.name() == "server_name").and_then(|d| d.words.get(1));
        let vhost = named.map_or(vhost, String::as_str);
        for directive in &directives {
            let argument = |i: usize| directive.words.get(i).map(String::as_str).unwrap_or_default();
            match directive.name() {
                "include" => {
                    for text in self.included(argument(1), depth) {
                        self.nginx(&text, vhost, depth + 1);
                    }
                }
                "log_format" => drop(self.config.formats.insert(argument(1).to_owned(), directive.text.to_owned())),
                "access_log" if is_file(argument(1)) => {
                    // What follows the path may be a parameter such as `buffer=32k`.
                    let format = Some(argument(2)).filter(|f| !f.is_empty() && !f.contains('=')).unwrap_or("combined");
                    let path = self.root.join(argument(1));
                    let log = ConfiguredLog { path, format: format.to_owned(), vhost: vhost.to_owned() };
                    self.config.access_logs.push(log);
                }
                "error_log" if is_file(argument(1)) => {
                    let path = self.root.join(argument(1));
                    self.config.error_logs.push(ConfiguredLog {
                        path,
                        vhost: vhost.to_owned(),
                        ..ConfiguredLog::default()
                    });
                }
                _ => {}
            }
            if let Some(block) = directive.block {
                self.nginx(block, vhost, depth + 1);
            }
        }
    }

    // ---- Apache -------------------------------------------------------------------------------------------

    fn apache(&mut self, text: &str, hosts: &mut Vec<Host>, depth: usize) {
        for line in logical_lines(text) {
            let words = apache_words(&line);
            let Some(name) = words.first().map(|word| word.to_ascii_lowercase()) else { continue };
            let argument = |i: usize| words.get(i).map(|word| self.defined(word)).unwrap_or_default();
            match name.as_str() {
                "<virtualhost" => hosts.push(Host::default()),
                "</virtualhost>" => {
                    if let Some(host) = hosts.pop() {
                        self.leave(host);
                    }
                }
                "servername" => {
                    if let Some(host) = hosts.last_mut() {
                        host.name = argument(1).split(':').next().unwrap_or_default().to_owned();
                    }
                }
                "serverroot" => self.root = PathBuf::from(argument(1)),
                "define" => drop(self.defines.insert(words.get(1).cloned().unwrap_or_default(), argument(2))),
                "include" | "includeoptional" => {
                    let pattern = argument(1);
                    for text in self.included(&pattern, depth) {
                        if depth < DEPTH_MAX {
                            self.apache(&text, hosts, depth + 1);
                        }
                    }
                }
                "logformat" => {
                    let nickname = words.get(2).cloned().unwrap_or_default();
                    drop(self.config.formats.insert(nickname, line.trim().to_owned()));
                }
                "customlog" | "transferlog" | "globallog" if is_file(&argument(1)) => {
                    let format = Some(argument(2)).filter(|f| !f.is_empty()).unwrap_or_else(|| "common".to_owned());
                    let log = ConfiguredLog { path: self.root.join(argument(1)), format, ..ConfiguredLog::default() };
                    self.put(hosts, log, |host| &mut host.access_logs, |config| &mut config.access_logs);
                }
                "errorlog" if is_file(&argument(1)) => {
                    let log = ConfiguredLog { path: self.root.join(argument(1)), ..ConfiguredLog::default() };
                    self.put(hosts, log, |host| &mut host.error_logs, |config| &mut config.error_logs);
                }
                _ => {}
            }
        }
    }

    /// Keeps a log with its virtual host, whose name may come later.
    fn put(
        &mut self,
        hosts: &mut [Host],
        log: ConfiguredLog,
        of_host: fn(&mut Host) -> &mut Vec<ConfiguredLog>,
        of_all: fn(&mut ServerConfig) -> &mut Vec<ConfiguredLog>,
    ) {
        match hosts.last_mut() {
            Some(host) => of_host(host).push(log),
            None => of_all(self.config).push(log),
        }
    }

    fn leave(&mut self, host: Host) {
        let named = |log: ConfiguredLog| ConfiguredLog { vhost: host.name.clone(), ..log };
        self.config.access_logs.extend(host.access_logs.into_iter().map(named));
        self.config.error_logs.extend(host.error_logs.into_iter().map(named));
    }

    /// A word with its variables; Debian's log directory is known where nothing defines it.
    fn defined(&self, word: &str) -> String {
        let mut word = word.to_owned();
        for (name, value) in &self.defines {
            word = word.replace(&format!("${{{name}}}"), value);
        }
        word.replace("${APACHE_LOG_DIR}", "/var/log/apache2")
    }
}

/// A virtual host of Apache whose end has not come.
#[derive(Default)]
struct Host {
    name: String,
    access_logs: Vec<ConfiguredLog>,
    error_logs: Vec<ConfiguredLog>,
}

/// Not a pipe, a socket, syslog, a variable path or nothing.
fn is_file(path: &str) -> bool {
    !path.is_empty()
        && !["|", "syslog:", "off", "stderr", "/dev/"].iter().any(|other| path.starts_with(other))
        && !path.contains('$')
}

// ---- nginx: grammar ----------------------------------------------------------------------------------------------

type Read<'t, T> = IResult<&'t str, T>;

/// A directive with its words, its text without the end, and the inside of its block.
struct Directive<'t> {
    words: Vec<String>,
    text: &'t str,
    block: Option<&'t str>,
}

impl Directive<'_> {
    fn name(&self) -> &str {
        self.words.first().map(String::as_str).unwrap_or_default()
    }
}

/// The directives of a text; what is none ends it.
fn nginx_directives(text: &str) -> Vec<Directive<'_>> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Ok((after, directive)) = nginx_directive(rest) {
        all.push(directive);
        rest = after;
    }
    all
}

/// directive = blank 1\*(word blank) (";" | "{" \*any "}")
fn nginx_directive(input: &str) -> Read<'_, Directive<'_>> {
    let (start, ()) = blank(input)?;
    let collected = |mut words: Vec<String>, word| {
        words.push(word);
        words
    };
    let (end, words) = fold_many1((nginx_word, blank).map(|(word, ())| word), Vec::new, collected).parse(start)?;
    let text = start.get(..start.len() - end.len()).unwrap_or_default();
    match char::<&str, nom::error::Error<&str>>(';').parse(end) {
        Ok((rest, _)) => Ok((rest, Directive { words, text, block: None })),
        Err(_) => {
            let (rest, block) = nginx_block(end)?;
            Ok((rest, Directive { words, text, block: Some(block) }))
        }
    }
}

/// block = "{" \*(block | quoted | comment | any) "}", without recursion: its depth is whatever somebody wrote
fn nginx_block(input: &str) -> Read<'_, &str> {
    let (inside, _) = char('{').parse(input)?;
    let (mut rest, mut depth) = (inside, 0usize);
    loop {
        let (after, c) = alt((
            value(' ', quoted('"')),
            value(' ', quoted('\'')),
            value(' ', recognize((char('\\'), anychar))),
            value(' ', recognize((char('#'), take_while(|c| c != '\n')))),
            value(' ', variable),
            anychar,
        ))
        .parse(rest)?;
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                return Ok((after, inside.get(..inside.len() - rest.len()).unwrap_or_default()));
            }
            '}' => depth -= 1,
            _ => {}
        }
        rest = after;
    }
}

/// variable = "${" name "}"
fn variable(input: &str) -> Read<'_, &str> {
    recognize((tag("${"), take_while1(|c: char| c.is_ascii_alphanumeric() || c == '_'), char('}'))).parse(input)
}

/// word = quoted | 1\*(any but white space ";" "{" quotes, or "\\" any, or "${" name "}")
fn nginx_word(input: &str) -> Read<'_, String> {
    let plain = recognize(fold_many1(
        alt((variable, recognize((char('\\'), anychar)), recognize(none_of(" \t\r\n;{}\"'#")))),
        || (),
        |(), _| (),
    ));
    alt((quoted('"'), quoted('\''), plain.map(str::to_owned))).parse(input)
}

/// quoted = quote \*("\\" any | any) quote
fn quoted<'t>(quote: char) -> impl FnMut(&'t str) -> Read<'t, String> {
    move |input| {
        let escaped = preceded(char('\\'), anychar);
        let inside = alt((escaped, verify(anychar, |c| *c != quote && *c != '\\')));
        let collected = |mut text: String, c| {
            text.push(c);
            text
        };
        delimited(char(quote), fold_many0(inside, String::new, collected), char(quote)).parse(input)
    }
}

/// blank = \*(white space | "#" comment)
fn blank(input: &str) -> Read<'_, ()> {
    let comment = recognize((char('#'), take_while(|c| c != '\n')));
    let space = take_while1(|c: char| c.is_whitespace());
    value((), many0_count(alt((space, comment)))).parse(input)
}

// ---- Apache: grammar ---------------------------------------------------------------------------------------------

/// Lines, continued ones put together, without comments.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.lines() {
        match line.strip_suffix('\\') {
            Some(begun) => open.push_str(begun),
            None => lines.push(std::mem::take(&mut open) + line),
        }
    }
    lines.push(open);
    lines.retain(|line| !line.trim_start().starts_with('#'));
    lines
}

/// words = \*(blank (quoted | 1\*any))
fn apache_words(line: &str) -> Vec<String> {
    let plain = is_not::<&str, &str, nom::error::Error<&str>>(" \t").map(str::to_owned);
    let mut word = preceded(take_while(|c: char| c.is_whitespace()), alt((quoted('"'), quoted('\''), plain)));
    let (mut words, mut rest) = (Vec::new(), line);
    while let Ok((after, next)) = word.parse(rest) {
        words.push(next);
        rest = after;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(main: &str, files: &[(&str, &str)]) -> ServerConfig {
        let mut load = |pattern: &Path| {
            let star = pattern.to_string_lossy().into_owned();
            let head = star.split('*').next().unwrap_or_default().to_owned();
            let found = files.iter().filter(|(name, _)| *name == star || star.contains('*') && name.starts_with(&head));
            found.map(|(name, text)| (PathBuf::from(name), (*text).to_owned())).collect()
        };
        ServerConfig::read(main, Path::new("/etc/x"), &mut load)
    }

    fn logs(logs: &[ConfiguredLog]) -> Vec<String> {
        logs.iter().map(|log| format!("{} {} {}", log.path.display(), log.format, log.vhost)).collect()
    }

    #[test]
    fn nginx_says_where_its_logs_are() {
        let main = r#"
            error_log /var/log/nginx/error.log warn; # all
            http {
                log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                                '$status $body_bytes_sent "{;}" ${http_referer}';
                access_log /var/log/nginx/access.log main buffer=32k;
                map $host $x { default "a;{b"; '~^(?<n>\w{2})$' ${n}; }
                include conf.d/*.conf;
                include missing.conf;
            }
        "#;
        let site = r#"server { server_name www.example.com example.com; access_log logs/www.log;
            location /x { access_log off; } error_log syslog:server=10.0.0.1; access_log "/var/log/a b.log" main if=$x; }"#;
        let config = read(main, &[("/etc/x/conf.d/www.conf", site)]);
        assert_eq!(
            logs(&config.access_logs),
            [
                "/var/log/nginx/access.log main ",
                "/etc/x/logs/www.log combined www.example.com",
                "/var/log/a b.log main www.example.com"
            ]
        );
        assert_eq!(logs(&config.error_logs), ["/var/log/nginx/error.log  "]);
        assert_eq!(config.unread, [PathBuf::from("/etc/x/missing.conf")]);
        for log in &config.access_logs {
            assert!(config.parser(log).is_ok_and(|parser| parser.missing().is_empty()), "{log:?}");
        }
        let of = |path: &str| config.log_of(Path::new(path)).map(|log| log.format.as_str());
        assert_eq!(of("/tmp/access.log.1.gz"), Some("main"));
        assert_eq!(of("/tmp/other"), None);
    }

    #[test]
    fn apache_says_where_its_logs_are() {
        let main = r#"
ServerRoot "/etc/apache2"
Define logs /srv/logs
LogFormat "%v:%p %h %l %u %t \"%r\" \
%>s %O" vhost_short
# CustomLog /no common
ErrorLog ${APACHE_LOG_DIR}/error.log
IncludeOptional sites-enabled/*.conf
CustomLog "|/usr/bin/rotatelogs x" common
"#;
        let site = r#"
<VirtualHost *:443>
    CustomLog ${logs}/www.log vhost_short env=!dontlog
    ServerName www.example.com:443
    ErrorLog logs/www-error.log
    CustomLog /srv/logs/agent.log "%h %t %>s \"%{User-Agent}i\""
</VirtualHost>
CustomLog /srv/logs/rest.log combined
"#;
        let config = read(main, &[("/etc/apache2/sites-enabled/www.conf", site)]);
        assert_eq!(
            logs(&config.access_logs),
            [
                "/srv/logs/www.log vhost_short www.example.com",
                "/srv/logs/agent.log %h %t %>s \"%{User-Agent}i\" www.example.com",
                "/srv/logs/rest.log combined "
            ]
        );
        assert_eq!(
            logs(&config.error_logs),
            ["/var/log/apache2/error.log  ", "/etc/apache2/logs/www-error.log  www.example.com"]
        );
        for log in &config.access_logs {
            assert!(config.parser(log).is_ok_and(|parser| parser.missing().is_empty()), "{log:?}");
        }
        assert_eq!(config.parsers().len(), 1);
    }

    #[test]
    fn includes_that_go_round_end() {
        let config = read("include a;", &[("/etc/x/a", "include a; access_log /x/y.log;")]);
        assert_eq!(config.access_logs.len(), DEPTH_MAX);
        assert!(nginx_directives(&"a {".repeat(100_000)).is_empty());
        assert!(nginx_directives(&format!("{}{}", "a {".repeat(100_000), "}".repeat(100_000))).len() == 1);
    }
}
