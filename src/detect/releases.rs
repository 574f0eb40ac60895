//! New folders in a tree of files. A release brings `/assets/v68` where `/assets/v67` was, and nobody has a past there:
//! whoever is refused would be a stranger. But whoever was served the tree's other files may have these too, so such a
//! folder is taken for the same route as they.

use super::{
    facts::{Facts, Route, ShapeFacts},
    scan::CLIENTS_MIN,
};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What is asked for from the log's beginning is not new in it.
const NEW_SECS: u32 = 3600;

/// What is known of a tree: a host and the first segment of a path.
#[derive(Default)]
struct Tree {
    /// Templates served that are files, and others.
    files: BTreeSet<u32>,
    others: BTreeSet<u32>,
    /// Templates of files served, by route.
    routes: BTreeMap<u32, u32>,
}

/// For each new folder's route, the route of its tree that stands for it.
pub(crate) fn stand_ins(facts: &Facts<'_>) -> BTreeMap<u32, u32> {
    let refused = refused(facts);
    if refused.is_empty() {
        return BTreeMap::new();
    }
    let trees = trees(facts, &refused);
    let stands_for = |route: &u32| {
        let tree = trees.get(&tree_of(facts, *route)?).filter(|tree| tree.files.len() > tree.others.len())?;
        let (stand_in, _) = tree.routes.iter().max_by_key(|(other, files)| (**files, std::cmp::Reverse(**other)))?;
        Some((*route, *stand_in))
    };
    let found: BTreeMap<u32, u32> = refused.keys().filter_map(stands_for).collect();
    let served = first_served(facts, &found);
    let is_new =
        |route: &u32| served.get(route).is_none_or(|served| refused.get(route).is_some_and(|refused| served > refused));
    found.into_iter().filter(|(route, _)| is_new(route)).collect()
}

/// When those routes that are refused to some, but only later than the log begins, were first refused.
fn refused(facts: &Facts<'_>) -> BTreeMap<u32, u32> {
    let Some((begin, _)) = facts.ledger.span else { return BTreeMap::new() };
    let mut routes: BTreeMap<u32, (u32, BTreeSet<u32>)> = BTreeMap::new();
    for refusal in &facts.ledger.refusals {
        let shape = facts.shape(refusal.shape as usize);
        if shape.status == 403 && facts.is_evident(refusal.client) && tree_of(facts, shape.route).is_some() {
            let (first, clients) = routes.entry(shape.route).or_insert((u32::MAX, BTreeSet::new()));
            *first = (*first).min(refusal.time.0);
            if clients.len() < CLIENTS_MIN as usize {
                clients.insert(refusal.client);
            }
        }
    }
    let is_late = |first: u32| first >= begin.0.saturating_add(NEW_SECS);
    let found =
        routes.into_iter().filter(|(_, (first, clients))| clients.len() >= CLIENTS_MIN as usize && is_late(*first));
    found.map(|(route, (first, _))| (route, first)).collect()
}

/// All trees, by what is served in them elsewhere than on the routes asked about.
fn trees(facts: &Facts<'_>, asked: &BTreeMap<u32, u32>) -> BTreeMap<(u32, u32), Tree> {
    let mut trees: BTreeMap<(u32, u32), Tree> = BTreeMap::new();
    for (shape, ShapeFacts { leaf, route, served, is_file, .. }) in facts.ledger.shapes.iter().zip(&facts.shapes) {
        if !served || asked.contains_key(route) {
            continue;
        }
        let tree = trees.entry((shape.vhost, facts.leaf(*leaf).prefix[0])).or_default();
        if !is_file && !is_folder_of_files(facts.ledger.names.get(shape.path)) {
            tree.others.insert(shape.path);
        } else if tree.files.insert(shape.path) {
            *tree.routes.entry(*route).or_default() += 1;
        }
    }
    trees
}

/// Whether a template that ends above its file is of a folder of files, by the names that are in use.
fn is_folder_of_files(template: &[u8]) -> bool {
    const NAMES: [&[u8]; 10] =
        [b"css", b"js", b"img", b"images", b"icons", b"fonts", b"media", b"chunks", b"assets", b"static"];
    NAMES.contains(&template.rsplit(|b| *b == b'/').next().unwrap_or_default())
}

/// The tree of a route that reads below it.
fn tree_of(facts: &Facts<'_>, route: u32) -> Option<(u32, u32)> {
    let Route { vhost, prefix, writes, .. } = facts.route(route);
    let top = facts.top_of(prefix);
    (!writes && top != prefix).then_some((vhost, top))
}

/// When these routes were first served; those that never were are left out.
fn first_served(facts: &Facts<'_>, routes: &BTreeMap<u32, u32>) -> BTreeMap<u32, u32> {
    if routes.is_empty() {
        return BTreeMap::new();
    }
    let sooner = |mut firsts: BTreeMap<u32, u32>, (route, time): (u32, u32)| {
        let first = firsts.entry(route).or_insert(time);
        *first = (*first).min(time);
        firsts
    };
    let own = |client: usize| {
        let shapes = facts.ledger.visits_of(client).iter().map(|visit| (facts.shape(visit.shape()), visit.time().0));
        let served = shapes.filter(|(shape, _)| shape.served && routes.contains_key(&shape.route));
        served.map(|(shape, time)| (shape.route, time)).collect::<Vec<_>>()
    };
    let clients = (0..facts.ledger.clients.len()).into_par_iter();
    clients
        .fold(BTreeMap::new, |firsts, client| own(client).into_iter().fold(firsts, sooner))
        .reduce(BTreeMap::new, |a, b| b.into_iter().fold(a, sooner))
}
