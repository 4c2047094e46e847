//! How `swarm` itself reaches an origin: connect, TLS, one GET. Knows nothing of viewers or playlists.

mod connect;
mod fetch;
mod tls;

pub use connect::{ConnectError, Connector};
pub use fetch::{FetchError, Fetched, fetch};
pub use tls::client_config;
