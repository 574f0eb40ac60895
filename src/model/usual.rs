//! What is usual on a site: how many of those who come to each part of it are refused.

/// Requests are judged in slices of so many seconds.
pub const SLICE_SECS: u32 = 300;

/// How a request was refused: asked for credentials, refused, failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// 401.
    AskedToLogIn,
    /// 403.
    Forbidden,
    /// 500 and above: authentication that is down may show so.
    Failed,
}

impl Refused {
    /// All of them, in the order of the arrays that are kept for each.
    pub const ALL: [Self; 3] = [Self::AskedToLogIn, Self::Forbidden, Self::Failed];

    /// Which of them a status is.
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

/// What is usual in a part, for each kind of refusal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// Of the clients that come in a slice, the share that is refused.
    pub share: [f64; 3],
    /// How many times as widely the number of those refused is spread as by chance alone (its variance); at least 1.
    pub spread: [f64; 3],
}

/// What is usual on a site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usual {
    /// The parts in which most are refused.
    pub parts: Vec<(Part, Rates)>,
    /// Refusals that the busiest client of an hour meets.
    pub busiest: u32,
}
