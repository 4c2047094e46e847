//! What caches on the way said of an answer, folded to a bounded label. Pure.

use std::time::Duration;

use super::fields::Fields;
use crate::observation::Cache;

/// Header names in which CDNs and proxies say whether they had the answer, in words: Fastly, CloudFront, Akamai and many
/// Varnish configurations use the first, nginx configurations the second, Cloudflare the third, Bunny the fourth.
const NAMES: [&str; 4] = ["x-cache", "x-cache-status", "cf-cache-status", "cdn-cache"];

/// Words of caches that answered from what they had.
const HITS: [&str; 5] = ["hit", "stale", "updating", "revalidated", "tcp_mem_hit"];

/// The cache nearest to us decides: it is the last that is named where several are.
pub fn cache_of(fields: &Fields) -> Cache {
    if let Some(nearest) = nearest(fields, "cache-status") {
        return known(standard_hit(nearest));
    }
    if let Some(nearest) = NAMES.iter().find_map(|name| nearest(fields, name)) {
        let nearest = nearest.to_ascii_lowercase();
        let mut words = nearest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        return known(words.any(|word| HITS.contains(&word) || word.ends_with("_hit")));
    }
    if let Some(requests) = fields.get("x-varnish") {
        // Varnish names this request and, where it had the answer, the one that had fetched it.
        return known(requests.split_whitespace().count() > 1);
    }
    // An answer that has aged came from a cache, even if none says so (RFC 9111 5.1).
    if age_of(fields) > Duration::ZERO { Cache::Hit } else { Cache::Unknown }
}

fn known(hit: bool) -> Cache {
    if hit { Cache::Hit } else { Cache::Miss }
}

/// What the last cache said in the fields of this name, which are one list (RFC 9110 5.3).
fn nearest<'a>(fields: &'a Fields, name: &'a str) -> Option<&'a str> {
    fields.all(name).last()?.rsplit(',').next()
}

/// RFC 9211 2.1: a hit has the parameter of this name. What was only good for asking the origin again (`fwd=stale`) has not.
fn standard_hit(cache: &str) -> bool {
    cache.split(';').skip(1).any(|parameter| matches!(parameter.trim(), "hit" | "hit=?1"))
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
            (&[("x-cache", "HIT"), ("x-cache", "MISS")], Cache::Miss),
            (&[("cdn-cache", "HIT")], Cache::Hit),
            (&[("cache-status", "ExampleCache; hit; ttl=376")], Cache::Hit),
            (&[("cache-status", "Origin; hit, Hit; fwd=stale; fwd-status=304; stored")], Cache::Miss),
            (&[("cache-status", "Edge; fwd=miss"), ("cache-status", "\"hit\";hit")], Cache::Hit),
            (&[("x-varnish", "33018"), ("age", "0")], Cache::Miss),
            (&[("x-varnish", "33018 33015"), ("age", "0")], Cache::Hit),
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
