//! How a server is reached: who asks, whom to trust, and by which way.

use crate::base::secret::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// What a client needs to know beside the address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Who asks.
    pub credentials: Option<Credentials>,
    /// Further headers of every request, such as a proxy's token.
    pub headers: Vec<(String, Secret)>,
    /// A PEM file of certificate authorities to be trusted beside the system's.
    pub ca: Option<PathBuf>,
    /// A PEM file with this client's certificate and its key.
    pub client_certificate: Option<PathBuf>,
    /// The proxy's URL; without one, what the environment says.
    pub proxy: Option<String>,
    /// How long a short request may take, reply included; the default without one.
    pub timeout: Option<Duration>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user's name and password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token.
    Bearer(Secret),
}
