// SPDX-License-Identifier: MIT OR Apache-2.0
//! Collects changes of files until there is a pause: an editor saves a file in several steps. Pure.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

/// The pause. Editors take less than a millisecond between their steps.
const PAUSE: Duration = Duration::from_millis(50);

/// Changes that have come since the last pause.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    paths: BTreeSet<PathBuf>,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Settling {
    /// Add changes that have come now.
    pub(crate) fn add(&mut self, paths: Vec<PathBuf>, now: Instant) {
        self.paths.extend(paths);
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// Time until the pause is over, if there are changes.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        let end = self.last? + PAUSE;
        Some(end.saturating_duration_since(now))
    }

    /// All changes and the time of the first, if the pause is over.
    pub(crate) fn take(&mut self, now: Instant) -> Option<(Vec<PathBuf>, Instant)> {
        if self.left(now)? > Duration::ZERO {
            return None;
        }
        self.last = None;
        let paths = std::mem::take(&mut self.paths).into_iter().collect();
        Some((paths, self.first.take()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_without_a_pause_between_them_are_one_save() {
        let begin = Instant::now();
        let mut settling = Settling::default();
        assert_eq!(settling.take(begin), None);
        for (path, after) in [("b", 0), ("a", 40), ("b", 80)] {
            let now = begin + Duration::from_millis(after);
            assert_eq!(settling.take(now), None);
            settling.add(vec![path.into()], now);
        }
        let end = begin + Duration::from_millis(80) + PAUSE;
        assert_eq!(settling.take(end - Duration::from_millis(1)), None);
        let both = vec!["a".into(), "b".into()];
        assert_eq!(settling.take(end), Some((both, begin)));
        assert_eq!(settling.left(end), None);
    }
}
