//! What an Nginx can do, by what it says of how it was built. Runs nothing.

/// What a `nginx` program was built with, as `nginx -V` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Has the module behind `/nginx_status`.
    pub stub_status: bool,
    /// Has the module for HTTPS.
    pub tls: bool,
    /// Can log what it does step by step.
    pub debug: bool,
    /// The modules that have a directory for temporary files of their own.
    pub temp_paths: Vec<&'static str>,
}

impl Build {
    const WITH_TEMP_PATHS: [&str; 4] = ["proxy", "fastcgi", "uwsgi", "scgi"];

    /// Whether it can ask another server, as it must to misbehave and for metrics.
    pub fn has_proxy(&self) -> bool {
        self.temp_paths.contains(&"proxy")
    }

    /// Reads what `nginx -V` printed.
    pub fn parse(version_output: &str) -> Self {
        let says = |argument: &str| version_output.split_whitespace().any(|word| word == argument);
        let without = |module: &&str| says(&format!("--without-http_{module}_module"));
        Self {
            stub_status: says("--with-http_stub_status_module"),
            tls: says("--with-http_ssl_module"),
            debug: says("--with-debug"),
            temp_paths: Self::WITH_TEMP_PATHS.into_iter().filter(|module| !without(module)).collect(),
        }
    }
}
