//! Labels from databases in MaxMind's format, which are made here: a search tree over IPv4 addresses, the records it
//! leads to, and what the file says of itself. <https://maxmind.github.io/MaxMind-DB/>

use crate::support::{fixture, put, run, workshop};

/// A value as it is encoded.
fn text(text: &str) -> Vec<u8> {
    // Up to 28 bytes, the length stands beside the type; beyond, what it is more than 29 follows.
    let head = match text.len() as u8 {
        len @ ..29 => vec![2 << 5 | len],
        len => vec![2 << 5 | 29, len - 29],
    };
    [&head, text.as_bytes()].concat()
}

fn number(number: u32) -> Vec<u8> {
    [&[6 << 5 | 4], number.to_be_bytes().as_slice()].concat()
}

fn short_number(number: u16) -> Vec<u8> {
    [&[5 << 5 | 2], number.to_be_bytes().as_slice()].concat()
}

fn long_number(number: u64) -> Vec<u8> {
    [&[8, 2], number.to_be_bytes().as_slice()].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let inside = entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat());
    std::iter::once(7 << 5 | entries.len() as u8).chain(inside).collect()
}

/// A database that knows some networks.
fn database(kind: &str, networks: &[([u8; 4], u32, Vec<u8>)]) -> Vec<u8> {
    let mut nodes: Vec<[Option<Leaf>; 2]> = vec![[None, None]];
    let mut data = Vec::new();
    for (address, bits, record) in networks {
        let (address, mut node) = (u32::from_be_bytes(*address), 0);
        for bit in 0..*bits {
            let side = (address >> (31 - bit) & 1) as usize;
            if bit + 1 == *bits {
                nodes[node][side] = Some(Leaf::Data(data.len() as u32));
            } else if let Some(Leaf::Node(next)) = nodes[node][side] {
                node = next as usize;
            } else {
                nodes[node][side] = Some(Leaf::Node(nodes.len() as u32));
                node = nodes.len();
                nodes.push([None, None]);
            }
        }
        data.extend(record);
    }
    let count = nodes.len() as u32;
    let pointer = |leaf: &Option<Leaf>| match leaf {
        None => count,
        Some(Leaf::Node(node)) => *node,
        Some(Leaf::Data(at)) => count + 16 + at,
    };
    let tree = nodes.iter().flatten().flat_map(|leaf| pointer(leaf).to_be_bytes()[1..].to_vec());
    let about = map(&[
        ("binary_format_major_version", short_number(2)),
        ("binary_format_minor_version", short_number(0)),
        ("build_epoch", long_number(1_773_138_052)),
        ("database_type", text(kind)),
        ("description", map(&[])),
        ("ip_version", short_number(4)),
        ("languages", vec![0, 4]),
        ("node_count", number(count)),
        ("record_size", short_number(24)),
    ]);
    [tree.collect(), vec![0; 16], data, b"\xab\xcd\xefMaxMind.com".to_vec(), about].concat()
}

enum Leaf {
    Node(u32),
    Data(u32),
}

const LOG: &str = r#"192.0.2.7 - - [10/Mar/2026:11:20:52 +0100] "GET /a HTTP/1.1" 403 179 "-" "curl/8.5.0"
198.51.100.9 - - [10/Mar/2026:11:20:53 +0100] "GET /a HTTP/1.1" 403 179 "-" "curl/8.5.0"
203.0.113.1 - - [10/Mar/2026:11:20:54 +0100] "GET /a HTTP/1.1" 403 179 "-" "curl/8.5.0"
"#;

fn asn() -> Vec<u8> {
    let record = |number: u32, name: &str| {
        map(&[("autonomous_system_number", self::number(number)), ("autonomous_system_organization", text(name))])
    };
    database(
        "Test-ASN",
        &[
            ([192, 0, 2, 0], 24, record(64_500, "Example Net")),
            ([198, 51, 100, 0], 25, record(64_501, "Bad \x1b[31mName")),
        ],
    )
}

#[test]
fn clients_are_labelled_by_all_databases_and_nothing_else_changes() {
    let dir = workshop();
    let log = put(dir.path(), "access.log", LOG.as_bytes());
    let systems = put(dir.path(), "asn.mmdb", &asn());
    let country = map(&[("country", map(&[("iso_code", text("DE"))]))]);
    let countries = put(dir.path(), "country.mmdb", &database("Test-Country", &[([192, 0, 0, 0], 8, country)]));
    let [log, systems, countries] = [&log, &systems, &countries].map(|path| path.to_str().unwrap());
    let labelled = run(["--output", "json", "--geoip", systems, "--geoip", countries, log]);
    let mut report = labelled.report();
    let origin = |address: &str| {
        let clients = report["clients"].as_array().unwrap();
        clients.iter().find(|client| client["client"] == address).unwrap()["origin"].clone()
    };
    assert_eq!(origin("192.0.2.7"), serde_json::json!({"asn": 64_500, "organization": "Example Net", "country": "DE"}));
    assert_eq!(origin("198.51.100.9")["asn"], 64_501);
    assert!(!origin("198.51.100.9")["organization"].as_str().unwrap().contains('\x1b'));
    assert!(origin("203.0.113.1").is_null());
    report["clients"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(|client| drop(client.as_object_mut().unwrap().remove("origin")));
    assert_eq!(report, run(["--output", "json", log]).report());
    let page = run(["--geoip", systems, "--geoip", countries, log]).out;
    assert!(page.contains("  from AS64500 Example Net, DE: 192.0.2.7\n"), "{page}");
    assert!(!run([log]).out.contains("from AS"));
}

#[test]
fn networks_of_a_fault_are_labelled() {
    let dir = workshop();
    let log = fixture("incidents/waf_network_block.log.gz");
    let found = run(["--output", "json", log.to_str().unwrap()]).report();
    let scope =
        found["incidents"].as_array().unwrap().iter().find_map(|i| i["scope"]["client_net"][0].as_str()).unwrap();
    let address: std::net::Ipv4Addr = scope.split('/').next().unwrap().parse().unwrap();
    let record = map(&[("asn", text("AS64500")), ("as_name", text("Example Net")), ("country_code", text("DE"))]);
    let path = put(dir.path(), "x.mmdb", &database("ipinfo lite", &[(address.octets(), 16, record)]));
    let args = ["--geoip", path.to_str().unwrap(), log.to_str().unwrap()];
    let report = run(["--output", "json"].iter().chain(&args)).report();
    let origins: Vec<_> =
        report["incidents"].as_array().unwrap().iter().map(|i| &i["scope"]["client_net_origin"][0]).collect();
    assert!(origins.iter().any(|origin| origin["asn"] == 64_500 && origin["country"] == "DE"), "{origins:?}");
    let page = run(args).out;
    assert!(page.contains(&format!("  From      {scope}: AS64500 Example Net, DE\n")), "{page}");
}

#[test]
fn what_is_no_such_database_is_refused_before_anything_is_read() {
    let dir = workshop();
    let log = put(dir.path(), "access.log", LOG.as_bytes());
    let whole = asn();
    let cases = [
        ("absent.mmdb", None, "cannot read the database: No such file"),
        ("empty.mmdb", Some(Vec::new()), "expected a MaxMind DB file"),
        ("text.mmdb", Some(LOG.as_bytes().to_vec()), "expected a MaxMind DB file"),
        ("cut.mmdb", Some(whole[..whole.len() / 2].to_vec()), "expected a MaxMind DB file"),
        ("other.mmdb", Some(database("Test-Anonymous", &[])), "found one of type `Test-Anonymous`"),
    ];
    for (name, bytes, expected) in cases {
        let path = bytes.map_or_else(|| dir.path().join(name), |bytes| put(dir.path(), name, &bytes));
        let refused = run(["--geoip", path.to_str().unwrap(), log.to_str().unwrap()]);
        assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{name}");
        assert!(refused.err.contains(name) && refused.err.contains(expected), "{name}: {}", refused.err);
    }
}

/// A database is trusted to be the operator's, not to be whole.
#[test]
fn a_damaged_database_labels_less_and_ends_nothing() {
    let dir = workshop();
    let log = put(dir.path(), "access.log", LOG.as_bytes());
    let whole = asn();
    let plain = run(["--output", "json", log.to_str().unwrap()]).report();
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let path = put(dir.path(), "x.mmdb", &bytes);
        let found = run(["--output", "json", "--geoip", path.to_str().unwrap(), log.to_str().unwrap()]);
        match found.code {
            Some(0) => assert_eq!(found.report()["totals"], plain["totals"], "byte {at}"),
            code => {
                assert!(code == Some(2) && found.err.contains("expected a MaxMind DB file"), "byte {at}: {found:?}")
            }
        }
    }
}
