//! What caches on the way said of an answer, folded to a bounded label. Pure.

use std::time::Duration;

use super::fields::Fields;
use crate::observation::Cache;

/// Header names in which CDNs and proxies say whether they had the answer: Fastly, CloudFront and Varnish
/// configurations use the first, nginx configurations the second, Cloudflare the third; the last is RFC 9211.
const NAMES: [&str; 4] = ["x-cache", "x-cache-status", "cf-cache-status", "cache-status"];

/// Words of caches that answered from what they had.
const HITS: [&str; 5] = ["hit", "stale", "updating", "revalidated", "tcp_mem_hit"];

/// The cache nearest to us decides: it is the last that is named where several are.
pub fn cache_of(fields: &Fields) -> Cache {
    for name in NAMES {
        let Some(value) = fields.get(name) else { continue };
        let nearest = value.rsplit(',').next().unwrap_or_default().to_ascii_lowercase();
        let mut words = nearest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let hit = words.any(|word| HITS.contains(&word) || word.ends_with("_hit"));
        return if hit { Cache::Hit } else { Cache::Miss };
    }
    // An answer that has aged came from a cache, even if none says so (RFC 9111 5.1).
    if age_of(fields) > Duration::ZERO { Cache::Hit } else { Cache::Unknown }
}

/// The `Age` header in whole seconds; absent and unreadable are zero.
pub fn age_of(fields: &Fields) -> Duration {
    let seconds = fields.get("age").and_then(|value| value.trim().parse().ok());
    // RFC 9111 1.2.2: a number that is too large is as 2^31.
    Duration::from_secs(seconds.unwrap_or(0_u64).min(1 << 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    #[test]
    fn each_caches_words_are_understood() {
        for (pairs, cache) in [
            (&[("x-cache", "HIT")][..], Cache::Hit),
            (&[("x-cache", "Hit from cloudfront")], Cache::Hit),
            (&[("x-cache", "MISS, HIT")], Cache::Hit),
            (&[("x-cache", "HIT, MISS")], Cache::Miss),
            (&[("x-cache", "TCP_HIT from a1.example")], Cache::Hit),
            (&[("x-cache", "Miss from cloudfront"), ("age", "3")], Cache::Miss),
            (&[("cf-cache-status", "DYNAMIC")], Cache::Miss),
            (&[("x-cache-status", "STALE")], Cache::Hit),
            (&[("cache-status", "ExampleCache; hit; ttl=376")], Cache::Hit),
            (&[("age", "12")], Cache::Hit),
            (&[("age", "0")], Cache::Unknown),
            (&[], Cache::Unknown),
        ] {
            assert_eq!(cache_of(&fields(pairs)), cache, "{pairs:?}");
        }
    }

    #[test]
    fn age_is_read_in_seconds_and_nonsense_is_none() {
        for (text, seconds) in [("7", 7), (" 9 ", 9), ("-1", 0), ("soon", 0), ("99999999999", 1 << 31)] {
            assert_eq!(age_of(&fields(&[("age", text)])), Duration::from_secs(seconds), "{text}");
        }
    }
}
