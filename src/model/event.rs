//! One request as logged, and why a line is not one.

use super::time::Time;

/// One request, borrowing its line. A field that the format lacks, or that was logged as `-`, is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    /// When the line says it happened, in UTC.
    pub time: Time,
    /// Whether the time was written without a zone, so that the operator's was taken, or UTC.
    pub zoneless: bool,
    /// The client's address or host name as logged.
    pub client: &'a [u8],
    /// The name in the log: on a 401 a *claimed* one, which anybody may have typed.
    pub user: &'a [u8],
    /// The virtual host, without a port.
    pub vhost: &'a [u8],
    /// The request method; empty where the request line was not one.
    pub method: &'a [u8],
    /// The request target with its query string, as logged (escapes such as `\x22` are left in).
    pub target: &'a [u8],
    /// The protocol, such as `HTTP/1.1`.
    pub protocol: &'a [u8],
    /// The final status, 100 to 999.
    pub status: u16,
    /// Bytes sent as logged (with or without headers, by format).
    pub bytes: u64,
    /// The referring page.
    pub referer: &'a [u8],
    /// The user agent.
    pub agent: &'a [u8],
    /// X-Forwarded-For as logged.
    pub forwarded_for: &'a [u8],
    /// Who answered behind a proxy: an address, or a list of tries.
    pub upstream: &'a [u8],
}

/// Why a line is not an [`Event`]: one variant for each thing that can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Longer than the limit on lines.
    TooLong,
    /// Holds NUL bytes, as after a crash of the file system.
    NulBytes,
    /// No client address where one belongs.
    NoClient,
    /// No readable time.
    NoTime,
    /// A time outside 1970 to 2105.
    ImplausibleTime,
    /// The quoted request is missing or not closed.
    NoRequest,
    /// No three-digit status after the request.
    NoStatus,
    /// The size is neither a number nor `-`.
    NoSize,
    /// A fixed text of the format is missing.
    NoLiteral,
    /// The line goes on after the format's end.
    Trailing,
    /// The line ends inside the format: cut by a full disk or a crash.
    Cut,
    /// Not JSON, or not an object.
    NotJson,
    /// A field that the format requires is absent.
    NoField,
}

impl Reason {
    /// Every reason, in the order of the enum.
    pub const ALL: [Self; 13] = [
        Self::TooLong,
        Self::NulBytes,
        Self::NoClient,
        Self::NoTime,
        Self::ImplausibleTime,
        Self::NoRequest,
        Self::NoStatus,
        Self::NoSize,
        Self::NoLiteral,
        Self::Trailing,
        Self::Cut,
        Self::NotJson,
        Self::NoField,
    ];

    /// The reason in a few lower-case words, as it stands in reports.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::TooLong => "line too long",
            Self::NulBytes => "NUL bytes",
            Self::NoClient => "no client",
            Self::NoTime => "no time",
            Self::ImplausibleTime => "implausible time",
            Self::NoRequest => "no request",
            Self::NoStatus => "no status",
            Self::NoSize => "no size",
            Self::NoLiteral => "expected text missing",
            Self::Trailing => "text after the end of the format",
            Self::Cut => "line cut short",
            Self::NotJson => "not a JSON object",
            Self::NoField => "required field absent",
        }
    }
}

/// A line that no format accepts: the reason, and where it stopped fitting the nearest format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What is wrong.
    pub reason: Reason,
    /// Byte offset in the line at which it stopped fitting.
    pub column: usize,
}

impl Rejection {
    /// A rejection at a column.
    #[must_use]
    pub fn new(reason: Reason, column: usize) -> Self {
        Self { reason, column }
    }
}
