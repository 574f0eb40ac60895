//! What is usual on a site: how many of those who come to each part of it are refused.

/// Requests are judged in slices of so many seconds.
pub const SLICE_SECS: u32 = 300;

/// How a client fared in a part of the site in a slice; several may be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Met a 401.
    AskedToLogIn,
    /// Met a 403.
    Forbidden,
    /// Met a 500 or above: authentication that is down may show so.
    Failed,
    /// Met a 401 or 403, and was served nothing. Where each visit begins with a 401, this tells a good day from a bad.
    Unserved,
}

impl Fate {
    /// All of them, in the order of the arrays that are kept for each.
    pub const ALL: [Self; 4] = [Self::AskedToLogIn, Self::Forbidden, Self::Failed, Self::Unserved];

    /// What a status makes of a client at once.
    #[must_use]
    pub fn of(status: u16) -> Option<Self> {
        match status {
            401 => Some(Self::AskedToLogIn),
            403 => Some(Self::Forbidden),
            500.. => Some(Self::Failed),
            _ => None,
        }
    }
}

/// A part of a site: everything, a host, or what begins with one or two segments of a path there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Empty for all hosts, or where none is logged.
    pub host: Vec<u8>,
    /// Empty for all paths.
    pub path: Vec<u8>,
}

/// What is usual in a part, for each fate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Of the clients that come in a slice, the share that meets it.
    pub share: [f64; 4],
    /// How many times as widely the number of those is spread as by chance alone (its variance); at least 1.
    pub spread: [f64; 4],
}

/// What is usual on a site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usual {
    /// The parts in which most are refused.
    pub parts: Vec<(Part, Rates)>,
    /// Refusals in an hour that one client may meet before it stands out: those of the busiest, as a rule.
    pub busiest: u32,
}
