//! Statuses that the operator has counted as refusals beside 401 and 403. Owns what they are counted as.

/// Statuses and what each counts as: 401, asked to log in, or 403, refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses {
    pairs: Vec<(u16, u16)>,
}

impl Statuses {
    /// Reads `419` or `498=403`, each of them; without a word from the operator, those that ask for a login (407 of a
    /// proxy, 419 and 440 of sessions that ended, 498 and 499 of tokens) count as 401, any other as 403.
    ///
    /// # Errors
    /// Something else, in words.
    pub fn new(texts: &[String]) -> Result<Self, String> {
        let pairs = texts.iter().map(|text| {
            let (status, counts_as) = text.split_once('=').map_or((text.as_str(), None), |(s, c)| (s, Some(c)));
            let status = status.parse().ok().filter(|s| (300..=599).contains(s) && !matches!(s, 401 | 403));
            let counts_as = match counts_as {
                None => status.map(|status| if matches!(status, 407 | 419 | 440 | 498 | 499) { 401 } else { 403 }),
                Some("401") => Some(401),
                Some("403") => Some(403),
                Some(_) => None,
            };
            status.zip(counts_as).ok_or_else(|| {
                format!("expected a status from 300 to 599 beside 401 and 403, such as 419 or 498=403, found `{text}`")
            })
        });
        Ok(Self { pairs: pairs.collect::<Result<_, _>>()? })
    }

    /// What a status counts as, where that is another.
    #[inline]
    #[must_use]
    pub fn counted_as(&self, status: u16) -> Option<u16> {
        self.pairs.iter().find(|(other, _)| *other == status).map(|(_, counts_as)| *counts_as)
    }

    /// For the report, since its figures have the names of 401 and 403: `419 as 401, 495 as 403`; none for none.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let words: Vec<String> =
            self.pairs.iter().map(|(status, counts_as)| format!("{status} as {counts_as}")).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::Statuses;

    #[test]
    fn statuses_count_as_what_they_mean_or_what_is_said() {
        let read = |texts: &[&str]| Statuses::new(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
        let statuses = read(&["419", "495", "498=403", "500=401"]).unwrap();
        assert_eq!(
            [419, 495, 498, 500, 404].map(|s| statuses.counted_as(s)),
            [Some(401), Some(403), Some(403), Some(401), None]
        );
        assert_eq!(statuses.text().as_deref(), Some("419 as 401, 495 as 403, 498 as 403, 500 as 401"));
        assert_eq!(Statuses::default().text(), None);
        for text in ["", "401", "403", "200", "600", "4x9", "419=404", "419="] {
            assert!(read(&[text]).is_err(), "{text}");
        }
    }
}
