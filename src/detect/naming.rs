//! What to call refusals that are not the server's fault: of one address, of a wave, of every day.

use super::{
    agent::Kind,
    doings::{Group, Sort},
    facts::Facts,
    recurrence::Habit,
    verdict::visits_between,
};
use crate::model::incident::Verdict::{self, Attack, ClientSide};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Whose doing it is, the cause, and why it is called so.
pub(crate) type Name = (Verdict, &'static str, String);

/// Names what one address does; none where it is shut out, which others beside it may be too.
pub(crate) fn name_address(facts: &Facts<'_>, own: &Group<'_, '_>) -> Option<Name> {
    (own.share(|i| i.status == 403 && i.is_shut_out()) <= 0.5).then(|| name_busy(facts, own))
}

fn name_busy(facts: &Facts<'_>, own: &Group<'_, '_>) -> Name {
    let all = own.items.len();
    if own.share(|i| i.sort == Sort::Monitor) > 0.6 {
        return (ClientSide, "monitor_probe", format!("{all} failures of a declared monitor"));
    }
    if own.share(|i| i.sort == Sort::Crawler) > 0.6 {
        return (ClientSide, "crawler_blocked", format!("{all} failures of a declared crawler"));
    }
    if own.share(|i| i.sort == Sort::Login) > 0.5 {
        return name_tries(own);
    }
    if is_scan(facts, own) {
        let paths = own.paths.len();
        return (Attack, "scanner", format!("one address asked for {paths} kinds of path and was refused {all} times"));
    }
    if own.share(|i| i.status == 401) > 0.5 {
        let resolved = own.items.iter().filter(|i| i.got_in()).count();
        if own.share(|i| i.got_in()) > 0.5 {
            return (
                ClientSide,
                "token_refresh",
                format!("one address met {all} 401s, {resolved} of them resolved at once"),
            );
        }
        if own.share(|i| i.past.anywhere) < 0.5 && own.paths.len() == 1 && is_clockwork(facts, own) {
            return (
                ClientSide,
                "monitor_probe",
                format!("one address asks without credentials at an exact interval, {all} times"),
            );
        }
        return (
            ClientSide,
            "stale_credentials",
            format!("one address met {all} 401s, {resolved} of them resolved at once"),
        );
    }
    if own.share(|i| i.again()) > 0.5 {
        let why = format!("one address was served and refused in turn on the same route, {all} times");
        return (ClientSide, "rate_limit", why);
    }
    (ClientSide, "restricted_page", format!("one address asked {all} times for what it may not have"))
}

/// Credentials that one address sent.
fn name_tries(own: &Group<'_, '_>) -> Name {
    let (tries, names) = (own.items.len(), own.names.len());
    let named = own.items.iter().filter(|i| i.refusal.user != 0).count();
    let per_name = named as f64 / names.max(1) as f64;
    let per_hour = own.per_hour();
    // A person has a name, a household some, an office as many as it has machines; one client that tries more guesses.
    if names >= 8 && (per_name < 5.0 || own.names_of_one() > 16) {
        return (Attack, "password_spray", format!("{tries} tries with {names} names from one address"));
    }
    if named * 2 > tries && per_name >= 5.0 && per_hour / (names as f64) < 240.0 {
        let why = format!("one address repeats {names} name(s) {tries} times, {per_hour:.0} an hour");
        return (ClientSide, "stale_credentials", why);
    }
    if per_hour >= 20.0 || names > 4 {
        return (Attack, "brute_force", format!("{tries} tries from one address, {per_hour:.0} an hour"));
    }
    let why = format!("{tries} tries from one address over {} h", (own.to - own.from) / 3600);
    (ClientSide, "stale_credentials", why)
}

/// Names a wave of many clients: refusals of one sort.
pub(crate) fn name_wave(facts: &Facts<'_>, wave: &Group<'_, '_>) -> Name {
    let sort = wave.items.first().map_or(Sort::Forbidden, |item| item.sort);
    let (verdict, cause, common) = match sort {
        Sort::Challenge => (ClientSide, "relogin_wave", "browsers ask for the password again, and are served"),
        Sort::Crawler => (ClientSide, "crawler_blocked", "declared crawlers"),
        Sort::Monitor => (ClientSide, "monitor_probe", "declared monitors"),
        Sort::Embedded => (ClientSide, "hotlink_block", "files that other sites embed"),
        Sort::Login | Sort::Session if is_crowd(facts, wave) => {
            (ClientSide, "visitors", "newcomers, most of whom are served")
        }
        Sort::Login => logins(facts, wave),
        Sort::Session => sessions(wave),
        Sort::Forbidden => forbidden(facts, wave),
    };
    let why = format!(
        "{} clients from {} addresses, {} failures: {common}",
        wave.clients.len(),
        wave.addresses.len(),
        wave.items.len()
    );
    (verdict, cause, why)
}

/// Names what comes back at its hour.
pub(crate) fn name_habit(own: &Group<'_, '_>, habit: &Habit) -> Name {
    let (clients, failures, when) = (own.clients.len(), own.items.len(), habit.recurrence.when());
    let why = format!("{clients} clients, {failures} failures: as many are refused at the same hour {when}");
    (ClientSide, "recurring", why)
}

/// Names the refusals of an area in which nobody is ever served, if hardly a client of the log is let in there that is
/// served elsewhere: so it looks if a fault was there before the log begins, and if the area is closed for good.
pub(crate) fn name_never_served(facts: &Facts<'_>, own: &Group<'_, '_>) -> Option<Name> {
    const CLIENTS_MIN: usize = 8;
    const SHARE_MIN: f64 = 0.5;
    let known: BTreeSet<u32> = own.items.iter().filter(|i| i.past.anywhere).map(|i| i.refusal.client).collect();
    if known.len() < CLIENTS_MIN {
        return None;
    }
    let all = facts.served_clients();
    (known.len() as f64 >= SHARE_MIN * f64::from(all)).then(|| {
        let why = format!(
            "{} of the {all} clients that this log shows being served are refused here, and nobody is ever served: a fault if it was otherwise before the log begins; older logs tell",
            known.len()
        );
        (Verdict::Undecided, "access_rule", why)
    })
}

/// Fewer refusals than these are nothing to speak of, where they are spread over hours.
const FEW: usize = 20;

/// Names what a declared crawler meets, if it is barred: more than the page or two that it may never have.
pub(crate) fn name_crawler(facts: &Facts<'_>, own: &Group<'_, '_>) -> Option<Name> {
    let asked = |client: &u32| visits_between(facts, *client, own.from, own.to).len();
    let is_barred = own.items.len() * 2 > own.clients.iter().map(asked).sum();
    (own.items.len() >= FEW && is_barred).then(|| name_wave(facts, own))
}

/// Names clients of one network that were served once and are no longer.
pub(crate) fn name_shut_out(facts: &Facts<'_>, own: &Group<'_, '_>) -> Option<Name> {
    const ONE_CLIENTS_MIN: usize = 40;
    let (clients, failures) = (own.clients.len(), own.items.len());
    if clients >= 5 && failures >= FEW && is_herd(facts, own) {
        return Some(name_wave(facts, own));
    }
    if failures < ONE_CLIENTS_MIN * clients {
        return None;
    }
    let why = format!("{clients} client(s) of one network had been served and were then refused, {failures} times");
    let hurried = own.per_hour() >= 60.0;
    Some(if hurried { (ClientSide, "rate_limit", why) } else { (ClientSide, "restricted_page", why) })
}

/// Names the refusals of an area, if it was closed to most who ask; `served` is how many clients were served there
/// meanwhile, and at other times. What nobody is ever served was forbidden before, and is no event.
pub(crate) fn name_closed(facts: &Facts<'_>, own: &Group<'_, '_>, served: (u32, u32)) -> Option<Name> {
    const CLIENTS_MIN: usize = 8;
    let clients = own.clients.len();
    let is_embedded = own.share(|i| i.sort == Sort::Embedded) > 0.5;
    let is_closed = is_embedded || (clients * 3 > served.0 as usize && served.1 > 0);
    (clients >= CLIENTS_MIN && own.items.len() >= FEW && is_closed).then(|| name_wave(facts, own))
}

type Common = (Verdict, &'static str, &'static str);

fn logins(facts: &Facts<'_>, wave: &Group<'_, '_>) -> Common {
    let got_in = wave.share(|i| i.got_in()) > 0.5;
    if !got_in && is_one_program(facts, wave) {
        (ClientSide, "stale_credentials", "one kind of program, the same everywhere")
    } else if wave.share(|i| i.has_account()) > 0.5 || got_in {
        (ClientSide, "password_expiry", "known clients whose passwords are refused, one by one")
    } else if wave.addresses.len() <= 5 && wave.names.len() > 20 {
        (Attack, "password_spray", "many names from few addresses")
    } else {
        (Attack, "credential_stuffing", "clients that never got in try to log in")
    }
}

fn sessions(wave: &Group<'_, '_>) -> Common {
    if wave.share(|i| i.got_in()) > 0.5 {
        (ClientSide, "relogin_wave", "known clients log in again and are served")
    } else if wave.agents.len() <= 2 {
        (ClientSide, "stale_credentials", "one kind of agent, the same everywhere")
    } else if wave.share(|i| i.past.stratum.is_some() || i.past.on_route) < 0.5 {
        (ClientSide, "restricted_page", "clients without a session ask for what needs one")
    } else {
        (ClientSide, "relogin_wave", "sessions that ended by themselves")
    }
}

fn forbidden(facts: &Facts<'_>, wave: &Group<'_, '_>) -> Common {
    /// The share of a swarm's requests that are for the one thing it wants.
    const AIMED: f64 = 0.8;
    let strangers = wave.share(|i| !i.past.anywhere);
    if is_scan(facts, wave) {
        (Attack, "scanner", "they ask for many paths that nobody is served")
    } else if strangers > 0.5 && wave.top_path(facts) >= AIMED && wave.clients.len() >= 20 {
        (Attack, "bot_swarm", "clients that ask for one thing, and for no page before it")
    } else if wave.share(|i| i.is_shut_out()) > 0.5 && (is_herd(facts, wave) || !looks_human(facts, wave)) {
        (Attack, "bot_swarm", "programs that call themselves browsers had been served, and are now refused")
    } else {
        (ClientSide, "restricted_page", "visitors ask for what they may not have")
    }
}

/// Whether the paths are a scanner's: many, and of a kind that hardly anybody is ever served.
fn is_scan(facts: &Facts<'_>, group: &Group<'_, '_>) -> bool {
    const PATHS_MIN: usize = 12;
    group.share(|i| facts.kind(i.refusal.client) == Kind::Scanner) > 0.3
        || (group.paths.len() >= PATHS_MIN
            && group.share(|i| !i.past.on_route) > 0.7
            && group.share(|i| facts.is_ever_served(i.route(facts))) < 0.5)
}

/// Whether tools of one kind send it, with a name or two: a fleet.
fn is_one_program(facts: &Facts<'_>, wave: &Group<'_, '_>) -> bool {
    let tools = wave.clients.iter().filter(|client| facts.kind(**client) != Kind::Browser).count();
    wave.agents.len() <= 2
        && wave.clients.len() > 5
        && (tools * 10 >= wave.clients.len() * 9 || wave.share(|i| i.has_account()) > 0.5)
        && wave.names.len() <= 2
}

/// Whether many addresses of one network call themselves the same few things.
fn is_herd(facts: &Facts<'_>, wave: &Group<'_, '_>) -> bool {
    wave.agents.len() * 4 <= wave.addresses.len() && wave.top_network(facts) > 0.8
}

/// Whether its browsers fetch the files of the pages they get.
fn looks_human(facts: &Facts<'_>, group: &Group<'_, '_>) -> bool {
    let told: Vec<bool> = group.clients.iter().filter_map(|client| facts.fetches_files(*client)).collect();
    told.iter().filter(|fetches| **fetches).count() * 2 > told.len()
}

/// Whether one address asks, and only asks, like clockwork: nine of ten pauses within a twentieth of the usual one.
fn is_clockwork(facts: &Facts<'_>, own: &Group<'_, '_>) -> bool {
    if own.items.iter().any(|i| facts.route(i.route(facts)).writes) {
        return false;
    }
    let pauses = own.pauses();
    let usual = pauses.get(pauses.len() / 2).copied().unwrap_or(0);
    let near = pauses.iter().filter(|pause| pause.abs_diff(usual) <= 1 + usual / 20).count();
    near * 10 >= pauses.len() * 9
}

/// Whether those refused are a few of many newcomers: more clients than usual come, for the first time, and most of
/// them are served.
fn is_crowd(facts: &Facts<'_>, wave: &Group<'_, '_>) -> bool {
    const FAILING_MAX: f64 = 0.25;
    const LEAD_SECS: u32 = 1800;
    let first = |client: u32| facts.ledger.visits_of(client as usize).first().map_or(0, |visit| visit.time().0);
    let is_new = |client: u32| first(client) + LEAD_SECS >= wave.from && first(client) < wave.to;
    let new = wave.clients.iter().filter(|client| is_new(**client)).count();
    if new * 2 <= wave.clients.len() || wave.share(|i| i.got_in()) > 0.5 || wave.items.iter().all(|i| !i.past.anywhere)
    {
        return false;
    }
    let clients = || (0..facts.ledger.clients.len() as u32).into_par_iter();
    let came = clients().filter(|client| is_new(*client) && facts.is_evident(*client)).count();
    let active = |from: u32, to: u32| clients().filter(|c| !visits_between(facts, *c, from, to).is_empty()).count();
    let length = wave.to - wave.from;
    let usual =
        active(wave.from.saturating_sub(length), wave.from).min(active(wave.to, wave.to.saturating_add(length)));
    (new as f64) < FAILING_MAX * came as f64 && active(wave.from, wave.to) * 2 >= usual * 3
}
