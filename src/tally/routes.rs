//! The operator's own routes: patterns that say which paths are one thing. Owns the only regular expressions; they
//! are asked once for each distinct raw request, not for each line.

use regex::bytes::Regex;

/// Patterns in the order given; the first that matches a path decides.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    patterns: Vec<Regex>,
}

impl Routes {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// A pattern that is none, with what its parser says.
    pub fn new(patterns: &[String]) -> Result<Self, String> {
        let compiled = patterns.iter().map(|text| Regex::new(text).map_err(|e| format!("no route pattern: {e}")));
        Ok(Self { patterns: compiled.collect::<Result<_, _>>()? })
    }

    /// The template of a path by the operator's patterns: what the groups of the first match hold, one after the
    /// other, or all that it matched where it has no groups. It begins with a slash, whatever the pattern says.
    pub(super) fn template(&self, path: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(found) = self.patterns.iter().find_map(|pattern| pattern.captures(path)) else { return false };
        out.clear();
        let from = usize::from(found.len() > 1);
        for group in found.iter().skip(from).flatten() {
            out.extend_from_slice(group.as_bytes());
        }
        if out.first() != Some(&b'/') {
            out.insert(0, b'/');
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Routes;

    #[test]
    fn groups_make_the_template() {
        let patterns = ["^(/t)/[^/]+(/app)".to_owned(), "^/shop/x".to_owned()];
        let routes = Routes::new(&patterns).unwrap();
        let template = |path: &str| {
            let mut out = Vec::new();
            routes.template(path.as_bytes(), &mut out).then(|| String::from_utf8(out).unwrap())
        };
        assert_eq!(template("/t/acme/app/list").as_deref(), Some("/t/app"));
        assert_eq!(template("/shop/xyz").as_deref(), Some("/shop/x"));
        assert_eq!(template("/other"), None);
        assert!(Routes::new(&["(".to_owned()]).is_err());
    }
}
