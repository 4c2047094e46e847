//! How `swarm` itself reaches an origin: connect, TLS, one GET. Knows nothing of viewers or playlists.

mod connect;
mod fetch;
mod tls;

pub use connect::{ConnectError, Connected, Connector, OriginStream};
pub use fetch::{FetchError, Fetched, authority, error_chain, fetch, fetch_at_most};
pub use tls::client_config;
