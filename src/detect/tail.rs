//! How surprising a count is: the upper tail of the beta-binomial, and the rate it is held against.

use statrs::function::gamma::ln_gamma;

/// The rate of failing in quiet times and how much it wanders by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    /// Mean share, above 0 and below 1.
    pub(crate) mean: f64,
    /// Overdispersion: 0 is binomial, towards 1 means all or nothing.
    pub(crate) rho: f64,
}

/// `P(X >= failing)` for beta-binomial X out of `active`.
pub(crate) fn upper_tail(failing: u32, active: u32, rate: Rate) -> f64 {
    if failing == 0 {
        return 1.0;
    }
    if failing > active {
        return 0.0;
    }
    let (n, k) = (f64::from(active), f64::from(failing));
    let precision = (1.0 - rate.rho.max(1e-4)) / rate.rho.max(1e-4);
    let (alpha, beta) = (rate.mean * precision, (1.0 - rate.mean) * precision);
    let ln_choose = ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0);
    let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let mut term = (ln_choose + ln_beta(k + alpha, n - k + beta) - ln_beta(alpha, beta)).exp();
    let (mut sum, mut at) = (term, k);
    while at < n && term > sum * 1e-12 {
        term *= (n - at) / (at + 1.0) * (at + alpha) / (n - at - 1.0 + beta);
        sum += term;
        at += 1.0;
    }
    sum.min(1.0)
}

/// The rate over windows of `(failing, active)`, those that stand out left aside in three rounds, shrunk
/// towards `prior` as if that had been seen on `weight` clients.
pub(crate) fn quiet_rate(windows: &[(u32, u32)], prior: f64, weight: f64) -> Rate {
    let mut rate = Rate { mean: prior.clamp(1e-5, 0.9), rho: 0.01 };
    let mut kept: Vec<(u32, u32)> = quietest(windows);
    for _ in 0..3 {
        rate = estimate(&kept, prior, weight);
        kept = windows.iter().copied().filter(|window| is_usual(*window, rate)).collect();
        if kept.is_empty() {
            kept = quietest(windows);
        }
    }
    rate
}

/// The rate of a time of which only the sums `(failing, active)` are known: no surer than so many clients make it.
pub(crate) fn settled_rate((failing, active): (u32, u32)) -> Rate {
    const WEIGHT: f64 = 20.0;
    let all = f64::from(active) + WEIGHT;
    Rate { mean: ((f64::from(failing) + 0.01 * WEIGHT) / all).clamp(1e-5, 0.9), rho: (1.0 / all).clamp(0.005, 0.3) }
}

/// Within four standard deviations and two clients: near enough, and a hundred times quicker than the tail.
fn is_usual((failing, active): (u32, u32), rate: Rate) -> bool {
    let (f, a) = (f64::from(failing), f64::from(active));
    let variance = a * rate.mean * (1.0 - rate.mean) * (1.0 + rate.rho * (a - 1.0).max(0.0));
    active > 0 && f <= a * rate.mean + 4.0 * variance.sqrt() + 2.0
}

/// The three fifths of the log with the lowest share. Neighbouring windows are put together until each part should
/// hold a few failures, or else the parts without one would be taken and nothing would look usual; of few failures in
/// all some parts are made even so, or else those of one bad window would be taken with it.
fn quietest(windows: &[(u32, u32)]) -> Vec<(u32, u32)> {
    const FAILURES_PER_PART: f64 = 5.0;
    const PARTS_MIN: f64 = 5.0;
    let sum = |windows: &[(u32, u32)]| {
        windows.iter().fold((0u64, 0u64), |(f, a), w| (f + u64::from(w.0), a + u64::from(w.1)))
    };
    let (failing, active) = sum(windows);
    let enough = active as f64 / (failing as f64 / FAILURES_PER_PART).max(PARTS_MIN);
    let mut parts: Vec<(f64, &[(u32, u32)])> = Vec::new();
    let (mut start, mut seen) = (0, 0u64);
    for (i, (_, a)) in windows.iter().enumerate() {
        seen += u64::from(*a);
        if seen as f64 >= enough || i + 1 == windows.len() {
            let part = windows.get(start..=i).unwrap_or_default();
            let (f, a) = sum(part);
            parts.push((f as f64 / a.max(1) as f64, part));
            (start, seen) = (i + 1, 0);
        }
    }
    parts.sort_by(|a, b| a.0.total_cmp(&b.0));
    parts.truncate((parts.len() * 3).div_ceil(5));
    parts.into_iter().flat_map(|(_, part)| part.iter().copied()).filter(|(_, a)| *a > 0).collect()
}

fn estimate(kept: &[(u32, u32)], prior: f64, weight: f64) -> Rate {
    let failing: f64 = kept.iter().map(|(f, _)| f64::from(*f)).sum();
    let active: f64 = kept.iter().map(|(_, a)| f64::from(*a)).sum();
    let mean = ((failing + prior * weight) / (active + weight)).clamp(1e-5, 0.9);
    // Moments: the variance beyond the binomial's, over what all-or-nothing windows would have.
    let (mut excess, mut full) = (0.0, 0.0);
    for (f, a) in kept.iter().map(|(f, a)| (f64::from(*f), f64::from(*a))) {
        excess += (f - a * mean).powi(2) - a * mean * (1.0 - mean);
        full += a * (a - 1.0) * mean * (1.0 - mean);
    }
    let rho = if full > 0.0 { (excess / full).clamp(0.002, 0.3) } else { 0.01 };
    Rate { mean, rho }
}

/// The failing share over those parts `(failing, all)` with the lowest share that hold half of all, and how many these
/// hold. The better half, so that what fails for a third of a log does not make failing look usual.
pub(crate) fn better_half(mut parts: Vec<(u32, u32)>) -> (f64, u32) {
    let all: u32 = parts.iter().map(|(_, all)| all).sum();
    parts.sort_by(|(f, a), (g, b)| (u64::from(*f) * u64::from(*b)).cmp(&(u64::from(*g) * u64::from(*a))));
    let (mut failing, mut seen) = (0, 0);
    for (f, a) in parts {
        if seen * 2 >= all {
            break;
        }
        (failing, seen) = (failing + f, seen + a);
    }
    (if seen == 0 { 1.0 } else { f64::from(failing) / f64::from(seen) }, seen)
}

#[cfg(test)]
mod tests {
    use super::{Rate, quiet_rate, upper_tail};

    #[test]
    fn tail_is_the_binomials_without_overdispersion() {
        let rate = Rate { mean: 0.1, rho: 1e-4 };
        // 1 - 0.9^10, and P(X >= 5) for n = 10.
        assert!((upper_tail(1, 10, rate) - 0.6513).abs() < 1e-3);
        assert!((upper_tail(5, 10, rate) - 0.0016).abs() < 1e-3);
        assert_eq!(upper_tail(0, 10, rate), 1.0);
        assert!(upper_tail(6, 6, Rate { mean: 0.02, rho: 0.01 }) < 1e-6);
    }

    #[test]
    fn rare_failures_are_usual_too() {
        let windows: Vec<(u32, u32)> = (0..2000).map(|i| (u32::from(i % 6 == 0), 11)).collect();
        let rate = quiet_rate(&windows, 0.015, 20.0);
        assert!((0.010..0.02).contains(&rate.mean), "{rate:?}");
    }

    #[test]
    fn a_handful_that_fail_together_do_not_look_usual() {
        let mut windows = vec![(0, 6); 30];
        windows.insert(21, (7, 7));
        let rate = quiet_rate(&windows, 0.001, 20.0);
        assert!(upper_tail(7, 7, rate) < 1e-9, "{rate:?}");
    }

    #[test]
    fn an_outage_does_not_raise_the_rate_it_is_held_against() {
        let mut windows = vec![(1, 50); 40];
        windows.extend([(45, 50); 10]);
        let rate = quiet_rate(&windows, 0.02, 20.0);
        assert!(rate.mean < 0.03, "{rate:?}");
    }
}
