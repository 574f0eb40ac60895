//! What decides whether a refusal means something, beside the client's own past: whether the route lets nearly
//! everybody in, and whether sessions of that age live.

use super::{
    facts::Facts,
    history::{Past, Telling},
    tail::better_half,
};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// What decides whether a request is evidence, beside its own past.
pub(crate) struct Ground {
    open: Openness,
    pub(crate) telling: Telling,
}

impl Ground {
    pub(crate) fn new(facts: &Facts<'_>, pasts: &[Past]) -> Self {
        Self { open: openness(facts), telling: Telling::new(facts, pasts) }
    }

    pub(crate) fn is_open(&self, route: u32) -> bool {
        self.open.get(route as usize).copied().unwrap_or(false)
    }
}

/// Whether strangers are served on a route as a matter of course, so that refusing one means something.
type Openness = Vec<bool>;

/// Which routes serve nearly every stranger that asks: in the better half of their hours, at least 97 of 100
/// distinct clients are served. The better half, so that a fault of half a day does not hide itself.
fn openness(facts: &Facts<'_>) -> Openness {
    const REFUSED_MAX: f64 = 0.03;
    const CLIENTS_ENOUGH: u32 = 10;
    let Some(hours) = Hours::count(facts) else { return vec![false; facts.routes.len()] };
    let serves_nearly_all = |route: usize| {
        let (refused, clients) = better_half(hours.of(route));
        refused <= REFUSED_MAX && clients >= CLIENTS_ENOUGH
    };
    (0..facts.routes.len()).map(|route| !facts.route(route as u32).logs_in && serves_nearly_all(route)).collect()
}

/// Distinct clients served and seen, by route and hour, of the routes that refuse at all.
struct Hours {
    /// For each route, its row; none for routes that never refuse.
    rows: Vec<Option<u32>>,
    first: u32,
    width: usize,
    cells: Vec<[AtomicU32; 2]>,
}

impl Hours {
    /// Rows times hours at most; the rows of routes beyond are not counted, so these are not open.
    const CELLS_MAX: usize = 16 << 20;

    fn count(facts: &Facts<'_>) -> Option<Self> {
        let (first, last) = facts.ledger.span?;
        let (first, width) = (first.0 / 3600, (last.0 / 3600 - first.0 / 3600 + 1) as usize);
        let mut refusals = vec![0u32; facts.routes.len()];
        for refusal in &facts.ledger.refusals {
            if let Some(count) = refusals.get_mut(facts.shape(refusal.shape as usize).route as usize) {
                *count += 1;
            }
        }
        let mut ranked: Vec<usize> =
            (0..refusals.len()).filter(|r| refusals.get(*r).is_some_and(|count| *count > 0)).collect();
        ranked.sort_by_key(|r| (std::cmp::Reverse(refusals.get(*r).copied()), *r));
        ranked.truncate(Self::CELLS_MAX / width.max(1));
        let mut rows = vec![None; facts.routes.len()];
        for (row, route) in ranked.iter().enumerate() {
            if let Some(slot) = rows.get_mut(*route) {
                *slot = Some(row as u32);
            }
        }
        let cells = (0..ranked.len() * width).map(|_| [AtomicU32::new(0), AtomicU32::new(0)]).collect();
        let hours = Self { rows, first, width, cells };
        hours.fill(facts, ranked.len());
        Some(hours)
    }

    fn fill(&self, facts: &Facts<'_>, rows: usize) {
        /// Clients handed to one worker at a time.
        const CLIENTS_PER_TASK: usize = 4096;
        let clients = facts.ledger.clients.len();
        (0..clients.div_ceil(CLIENTS_PER_TASK)).into_par_iter().for_each(|task| {
            // The client and hour last counted as served and as seen, by row.
            let mut stamps = vec![[u64::MAX; 2]; rows];
            for client in
                (task * CLIENTS_PER_TASK..((task + 1) * CLIENTS_PER_TASK).min(clients)).step_by(facts.stride())
            {
                if facts.is_evident(client as u32) {
                    self.fill_client(facts, client, &mut stamps);
                }
            }
        });
    }

    fn fill_client(&self, facts: &Facts<'_>, client: usize, stamps: &mut [[u64; 2]]) {
        for visit in facts.ledger.visits_of(client) {
            let shape = facts.shape(visit.shape());
            let Some(row) = self.rows.get(shape.route as usize).copied().flatten() else { continue };
            if !shape.served && !matches!(shape.status, 401 | 403) {
                continue;
            }
            let hour = visit.time().0 / 3600;
            let stamp = (client as u64) << 32 | u64::from(hour);
            let cell = self.cells.get(row as usize * self.width + (hour - self.first) as usize);
            if let (Some(stamps), Some(cell)) = (stamps.get_mut(row as usize), cell) {
                for (i, counts) in [shape.served, true].into_iter().enumerate() {
                    if counts && std::mem::replace(&mut stamps[i], stamp) != stamp {
                        cell[i].fetch_add(1, Relaxed);
                    }
                }
            }
        }
    }

    /// Distinct clients served nothing, and seen, by hour.
    fn of(&self, route: usize) -> Vec<(u32, u32)> {
        let Some(row) = self.rows.get(route).copied().flatten() else { return Vec::new() };
        let cells = self.cells.get(row as usize * self.width..(row as usize + 1) * self.width).unwrap_or_default();
        let counts = cells.iter().map(|cell| (cell[0].load(Relaxed), cell[1].load(Relaxed)));
        counts.filter(|(_, seen)| *seen > 0).map(|(served, seen)| (seen - served, seen)).collect()
    }
}
