//! When to speak of being blind: once when two runs in a row were, so that a rotation wakes nobody; as a reminder; and
//! once when a run sees again. What comes back soon is the same.

use super::Rules;
use crate::model::{
    blindness::{Blindness, Sight},
    case::Event,
    time::Time,
};

/// So many runs in a row are told.
const RUNS_MIN: u32 = 2;

/// What a run makes of the latest blindness: as it stands now, and what there is to say of it. None of either where the
/// run can tell and there was nothing to remember.
#[must_use]
pub fn look(
    latest: Option<Blindness>,
    troubles: &[&str],
    now: Time,
    rules: &Rules,
) -> (Option<Blindness>, Option<Sight>) {
    let mut event = None;
    let known = latest.filter(|it| it.end.is_none_or(|end| !end.is_past(rules.reopen_within_secs, now)));
    let mut blindness = match (known, troubles.is_empty()) {
        (known, false) => {
            let mut blind = known.unwrap_or_else(|| Blindness::new(now));
            let is_due = || rules.remind_secs > 0 && blind.told_at.is_some_and(|at| at.is_past(rules.remind_secs, now));
            blind.runs = blind.runs.saturating_add(1);
            event = match blind.runs {
                ..RUNS_MIN => None,
                RUNS_MIN if blind.told_at.is_some() => Some(Event::Reopened),
                RUNS_MIN => Some(Event::Opened),
                _ => is_due().then_some(Event::Reminder),
            };
            blind.end = None;
            blind.troubles = troubles.iter().map(|text| text.replace('\n', " ")).collect::<Vec<_>>().join("\n");
            Some(blind)
        }
        (Some(mut seen), true) if seen.is_live() => {
            event = (seen.runs >= RUNS_MIN).then_some(Event::Resolved);
            (seen.runs, seen.end) = (0, Some(now));
            Some(seen)
        }
        (known, true) => known,
    };
    if let Some(blindness) = blindness.as_mut().filter(|_| event.is_some()) {
        blindness.told_at = Some(now);
    }
    let sight = event.zip(blindness.clone()).map(|(event, blindness)| Sight { event, blindness });
    (blindness, sight)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u32 = 60;

    /// What runs each five minutes say, those that are blind being marked.
    fn told(runs: &str) -> Vec<(usize, Event, String)> {
        let (rules, mut latest, mut told) = (Rules::default(), None, Vec::new());
        for (run, mark) in runs.bytes().enumerate() {
            let troubles = if mark == b'x' { vec!["no log", "no line"] } else { vec![] };
            let (now, sight) = look(latest, &troubles, Time(1_773_100_800 + run as u32 * 5 * MINUTE), &rules);
            told.extend(sight.map(|sight| (run, sight.event, sight.blindness.id)));
            latest = now;
        }
        told
    }

    fn events(runs: &str) -> Vec<(usize, Event)> {
        told(runs).into_iter().map(|(run, event, _)| (run, event)).collect()
    }

    #[test]
    fn one_blind_run_wakes_nobody_and_two_are_told_once() {
        assert_eq!(events("..x..x..."), []);
        assert_eq!(events("..xxxx..."), [(3, Event::Opened), (6, Event::Resolved)]);
    }

    #[test]
    fn it_is_spoken_of_again_after_the_set_time() {
        let long = "x".repeat(120);
        assert_eq!(events(&long), [(1, Event::Opened), (49, Event::Reminder), (97, Event::Reminder)]);
    }

    #[test]
    fn what_comes_back_soon_is_the_same() {
        let back = told(&format!("xxx..xx.{}xx", ".".repeat(30)));
        let events: Vec<_> = back.iter().map(|(run, event, _)| (*run, *event)).collect();
        let (opened, reopened, resolved) = (Event::Opened, Event::Reopened, Event::Resolved);
        assert_eq!(events, [(1, opened), (3, resolved), (6, reopened), (7, resolved), (39, opened)]);
        assert_eq!(back[0].2, "blind-20260310T000000Z");
        assert_eq!(back[0].2, back[3].2);
        assert_ne!(back[0].2, back[4].2);
    }

    #[test]
    fn a_headline_is_one_line() {
        let (blind, _) = look(None, &["no log", "no line"], Time(1_773_100_800), &Rules::default());
        assert_eq!(blind.unwrap().headline(), "blind since 2026-03-10 00:00 UTC, still: no log (and 1 more)");
    }
}
