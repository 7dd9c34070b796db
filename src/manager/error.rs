//! Why a call to a Manager failed.

use crate::base::error::{Class, Explain};

/// Why a call to a Manager failed.
#[derive(Debug, thiserror::Error)]
pub enum ManagerError {
    /// The request was wrong: bad frames, an unknown setting, a compile error.
    #[error("the Manager at {address} refused the request: {message}")]
    Rejected {
        /// The Manager's name.
        address: String,
        /// Its words.
        message: String,
    },
    /// There is no such job or task.
    #[error("the Manager at {address} knows no {what}")]
    NotFound {
        /// The Manager's name.
        address: String,
        /// What was asked for.
        what: String,
    },
    /// There is no worker tag of this name.
    #[error("the Manager at {address} has no worker tag {tag:?}")]
    NoTag {
        /// The Manager's name.
        address: String,
        /// The name that was asked for.
        tag: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// This Manager cannot do what is asked: it is too old, or its job type is not there.
    #[error("the Manager at {address} cannot {what}")]
    Incapable {
        /// The Manager's name.
        address: String,
        /// What it cannot do, as a verb: `keep a job paused from its start (Flamenco 3.6 can)`.
        what: String,
        /// The next step.
        next: String,
    },
    /// The queue belongs to another host.
    #[error("the local queue of this volume belongs to host {owner}, this is {host}")]
    OtherHost {
        /// The host that made the queue.
        owner: String,
        /// This host.
        host: String,
    },
    /// The proxy on the way to it wants to know who asks.
    #[error("the proxy on the way to the Manager at {address} wants credentials (HTTP 407)")]
    ProxyUnauthorized {
        /// The Manager's name.
        address: String,
    },
    /// It wants to know who asks.
    #[error("the Manager at {address} {} (HTTP {status})", of_credentials(*given))]
    Unauthorized {
        /// The Manager's name.
        address: String,
        /// The HTTP status.
        status: u16,
        /// Whether it was told.
        given: bool,
    },
    /// It did not answer, or not as a Manager answers.
    #[error("the Manager at {address} cannot be used: {message}")]
    Unusable {
        /// The Manager's name.
        address: String,
        /// The cause.
        message: String,
        /// The next step, where it is not to look at the address.
        next: Option<&'static str>,
    },
    /// The queue of this machine cannot be used: a file on the volume, which no address leads to.
    #[error("the Manager at local cannot be used: {message}")]
    Queue {
        /// The cause, with the file's name.
        message: String,
        /// The next step.
        next: String,
    },
    /// Somebody asked farm to end.
    #[error("interrupted while the Manager at {address} was asked")]
    Interrupted {
        /// The Manager's name.
        address: String,
        /// The signal.
        signal: i32,
    },
    /// It answers as a Manager does, and says that it cannot do it now.
    #[error("the Manager at {address} is in trouble: {message}")]
    InTrouble {
        /// The Manager's name.
        address: String,
        /// Its words.
        message: String,
    },
    /// A change was asked for, and nobody can say whether it was made.
    #[error("the Manager at {address} did not say what became of the request: {message}")]
    Unknown {
        /// The Manager's name.
        address: String,
        /// The cause.
        message: String,
        /// Whether the request may still arrive.
        later: bool,
    },
}

fn of_credentials(given: bool) -> &'static str {
    if given { "refuses the credentials that it was given" } else { "wants credentials" }
}

/// What is said of a web page with a good status.
pub(in crate::manager) const IS_IT_A_LOGIN: &str = "is there a proxy's login before it?";
/// The next step after one.
pub(in crate::manager) const PAGE_NEXT: &str = "Open the address (--manager) in a browser. Where a proxy asks for a login, set access.user and access.password_file, or \
     access.token_file; otherwise check its path.";

impl Explain for ManagerError {
    fn class(&self) -> Class {
        match self {
            ManagerError::Rejected { .. } => Class::Failed,
            ManagerError::NotFound { .. } => Class::NoMatch,
            ManagerError::NoTag { .. } => Class::Usage,
            ManagerError::Interrupted { signal, .. } => Class::Interrupted(*signal),
            ManagerError::OtherHost { .. } => Class::Refused,
            ManagerError::Incapable { .. } => Class::Manager,
            ManagerError::ProxyUnauthorized { .. }
            | ManagerError::Unauthorized { .. }
            | ManagerError::Unusable { .. }
            | ManagerError::Queue { .. }
            | ManagerError::InTrouble { .. }
            | ManagerError::Unknown { .. } => Class::Manager,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            ManagerError::Rejected { .. } => {
                "Change what the message names, then give the same command again; `farm doctor` checks the Manager.".into()
            }
            ManagerError::NoTag { known, .. } => match known.is_empty() {
                true => "It has no tags: make one in Flamenco, or leave --tag out.".into(),
                false => format!("It has {}: name one of them with --tag, or leave --tag out.", known.join(", ")),
            },
            // Whoever knows how far the operation came says what is next.
            ManagerError::Interrupted { .. } => return None,
            ManagerError::NotFound { .. } => "`farm status` shows what the Manager knows.".into(),
            ManagerError::Incapable { next, .. } | ManagerError::Queue { next, .. } => next.clone(),
            ManagerError::OtherHost { owner, .. } => {
                format!("Run farm on {owner}, or point --manager at a Flamenco Manager for more than one machine.")
            }
            ManagerError::Unauthorized { given: true, .. } => {
                "Check the name and the password, or the token: access.user, access.password, access.token, their files, or \
                 what the URL holds; `farm config show` tells where each comes from."
                    .into()
            }
            ManagerError::Unauthorized { given: false, .. } => {
                "Set access.token_file, or access.user and access.password_file; docs/config.md tells more.".into()
            }
            ManagerError::ProxyUnauthorized { .. } => {
                "Set access.proxy with its name and password, FARM_ACCESS_PROXY=http://NAME:PASSWORD@HOST:PORT; docs/config.md tells more.".into()
            }
            // Of a submission: the page came in a Manager's place, whose log has nothing of it.
            ManagerError::InTrouble { message, .. } if message.contains(IS_IT_A_LOGIN) => PAGE_NEXT.into(),
            ManagerError::InTrouble { .. } => {
                "See what the Manager's own log says, then give the same command again; `farm doctor` looks closer.".into()
            }
            ManagerError::Unusable { next: Some(next), .. } => (*next).into(),
            ManagerError::Unusable { next: None, .. } => {
                "Check the address (--manager), its path too, and that the Manager runs; `farm doctor` looks closer.".into()
            }
            ManagerError::Unknown { .. } => {
                "Give the same command again: it looks first whether the request arrived.".into()
            }
        })
    }
}
