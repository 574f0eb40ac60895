//! Where addresses are from, by database files in MaxMind's format that the operator names: MaxMind's own, DB-IP's,
//! IPinfo's. Owns opening them, asking them, and labelling a report; none is shipped, and nothing is concluded from it.
//!
//! A file is read whole, since databases are replaced while programs run. What it holds is looked up record by record:
//! a record that is damaged labels nothing.

use crate::model::{incident::Origin, logged::inert, report::Report};
use maxminddb::Reader;
use serde::Deserialize;
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

/// Databases of countries, of autonomous systems, or of both; what an earlier one knows counts.
#[derive(Debug, Default)]
pub struct Databases(Vec<Reader<Vec<u8>>>);

/// What databases call it, as far as it is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<String>,
    country: Option<Country>,
    // IPinfo.
    asn: Option<String>,
    as_name: Option<String>,
    country_code: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Country {
    Record { iso_code: String },
    Name(String),
}

impl Databases {
    /// Opens them.
    ///
    /// # Errors
    /// A file is gone, forbidden, no such database, or one of something else; in words.
    pub fn open(paths: &[PathBuf]) -> Result<Self, String> {
        paths.iter().map(|path| open(path)).collect::<Result<_, _>>().map(Self)
    }

    /// Says of the clients and networks of a report where they are from.
    pub fn label(&self, report: &mut Report) {
        if self.0.is_empty() {
            return;
        }
        for client in &mut report.clients {
            client.origin = std::str::from_utf8(client.client.as_bytes()).ok().and_then(|address| self.origin(address));
        }
        for scope in report.incidents.iter_mut().map(|incident| &mut incident.scope) {
            let of = |network: &String| self.origin(network.split('/').next()?);
            scope.client_net_origin = scope.client_net.iter().map(|network| of(network).unwrap_or_default()).collect();
        }
    }

    fn origin(&self, address: &str) -> Option<Origin> {
        let address = address.parse::<IpAddr>().ok()?.to_canonical();
        let records = self.0.iter().filter_map(|reader| reader.lookup(address).ok()?.decode::<Record>().ok()?);
        let mut origin = Origin::default();
        for record in records {
            let number = record.asn.and_then(|asn| asn.trim_start_matches("AS").parse().ok());
            let country = match record.country {
                Some(Country::Record { iso_code }) => Some(iso_code),
                Some(Country::Name(name)) => record.country_code.or(Some(name)),
                None => record.country_code,
            };
            origin.asn = origin.asn.or(record.autonomous_system_number).or(number);
            let organization = record.autonomous_system_organization.or(record.as_name);
            origin.organization = origin.organization.or(organization.map(|name| short(&name)));
            origin.country = origin.country.or(country.map(|country| short(&country)));
        }
        (origin != Origin::default()).then_some(origin)
    }
}

/// Names are shown, so that they are made harmless and no longer than names are.
fn short(name: &str) -> String {
    const CHARS_MAX: usize = 80;
    inert(name.as_bytes()).chars().take(CHARS_MAX).collect()
}

fn open(path: &Path) -> Result<Reader<Vec<u8>>, String> {
    /// What those are called that hold a country or an autonomous system.
    const KINDS: [&str; 6] = ["asn", "isp", "country", "city", "enterprise", "ipinfo"];
    let bytes = std::fs::read(path).map_err(|e| format!("{}: cannot read the database: {e}", path.display()))?;
    let expected = "expected a MaxMind DB file of autonomous systems or countries, such as GeoLite2-ASN.mmdb";
    let reader = Reader::from_source(bytes).map_err(|e| format!("{}: {expected}: {e}", path.display()))?;
    let kind = inert(reader.metadata().database_type.as_bytes());
    let is_known = KINDS.iter().any(|known| kind.to_ascii_lowercase().contains(known));
    if is_known { Ok(reader) } else { Err(format!("{}: {expected}; found one of type `{kind}`", path.display())) }
}
