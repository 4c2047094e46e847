//! The origin's side of the run: what its own metrics say, read from Prometheus endpoints once per second.
//!
//! [`Scraper`] fetches on a thread of its own; [`Page`] is what one page says; two pages make an [`OriginSample`]. What an
//! endpoint does not have is `None`, never zero. A scrape that fails is noted and disturbs nothing.

mod exposition;
mod page;
mod sample;
mod scraper;
mod snapshot;

pub use page::{KNOWN, Known, Page};
pub use sample::OriginSample;
pub use scraper::Scraper;
pub use snapshot::OriginSnapshot;
