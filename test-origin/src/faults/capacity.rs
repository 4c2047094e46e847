//! How often each segment was served, so that it can be served to so many viewers and to no more. Touches no file.
//!
//! A live viewer fetches each segment once, whenever it joined and however fast it fetches. So many viewers fetch each
//! segment so many times, exactly; one more viewer fetches each once more. No rate has to be estimated, and a burst of
//! joins is not mistaken for more viewers than there are.

use std::collections::{HashMap, VecDeque};

/// Segments that are remembered: more than the windows of the largest profile's playlists hold (16 variants and 8
/// audio renditions, twice 100 segments of each).
const MOST_SEGMENTS: usize = 8192;

/// The count of each segment.
#[derive(Debug, Default)]
pub struct Served {
    counts: HashMap<String, u32>,
    /// Oldest first.
    order: VecDeque<String>,
}

impl Served {
    /// Whether the segment at `path` may be served once more to `viewers` viewers; if so, it is counted.
    pub fn admit(&mut self, path: &str, viewers: u32) -> bool {
        if let Some(count) = self.counts.get_mut(path) {
            let admitted = *count < viewers;
            *count += u32::from(admitted);
            return admitted;
        }
        if self.order.len() == MOST_SEGMENTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
        }
        self.order.push_back(path.to_owned());
        self.counts.insert(path.to_owned(), 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_segment_is_served_to_so_many_and_to_no_more() {
        let mut served = Served::default();
        for path in ["/a.ts", "/b.ts", "/240p/a.ts"] {
            let admitted = (0..30).filter(|_| served.admit(path, 20)).count();
            assert_eq!(admitted, 20, "{path}");
        }
        // A limit that was raised holds for what was counted before.
        assert!(served.admit("/a.ts", 21) && !served.admit("/a.ts", 21));
    }

    #[test]
    fn memory_is_bounded() {
        let mut served = Served::default();
        for n in 0..3 * MOST_SEGMENTS {
            assert!(served.admit(&n.to_string(), 1));
        }
        assert_eq!((served.counts.len(), served.order.len()), (MOST_SEGMENTS, MOST_SEGMENTS));
        assert!(!served.admit(&(3 * MOST_SEGMENTS - 1).to_string(), 1));
    }
}
