//! Why a request has no answer.

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The text is no URL that can be asked.
    #[error("{url:?} is not an address that begins with http:// or https://: {cause}")]
    Address {
        /// The text.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
    /// This machine cannot make such requests: a certificate or a proxy's address is of no use.
    #[error("cannot prepare requests to {url}: {cause}")]
    Setup {
        /// The address.
        url: String,
        /// The cause.
        cause: String,
    },
    /// Nobody answered: a wrong name, a closed port, a certificate that nobody trusts. The request was not sent.
    #[error("{url} cannot be reached: {cause}")]
    Unreachable {
        /// The address.
        url: String,
        /// The cause.
        cause: String,
    },
    /// Whoever listens there speaks something else than TLS, plain HTTP mostly.
    #[error("{url} cannot be reached: the server there does not speak TLS ({cause})")]
    NoTls {
        /// The address.
        url: String,
        /// The cause.
        cause: String,
    },
    /// Nobody answered by way of a proxy, which may be the one that is not there.
    #[error("{url} cannot be reached through the proxy {proxy}: {cause}")]
    ProxyUnreachable {
        /// The address.
        url: String,
        /// The proxy's, without a user's name and password.
        proxy: String,
        /// The cause.
        cause: String,
    },
    /// The proxy on the way wants to know who asks. The request was not sent on.
    #[error("the proxy on the way to {url} wants credentials")]
    ProxyUnauthorized {
        /// The address.
        url: String,
    },
    /// The line was cut before the answer began. The request may have arrived.
    #[error("{url} hung up without an answer: {cause}")]
    HungUp {
        /// The address.
        url: String,
        /// The cause.
        cause: String,
    },
    /// The answer took too long. The request may have arrived, or may still.
    #[error("{url} did not answer in time ({seconds} s)")]
    TimedOut {
        /// The address.
        url: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The answer began, and did not come to its end in time. The request has arrived.
    #[error("the answer of {url} did not come to its end in time ({seconds} s)")]
    Unfinished {
        /// The address.
        url: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Somebody asked farm to end while the answer was waited for.
    #[error("interrupted while {url} was asked")]
    Interrupted {
        /// The address.
        url: String,
        /// The signal.
        signal: i32,
    },
    /// The answer is the address of another host, or one of too many.
    #[error("{url} sends on to {to}, which was not followed")]
    SentOn {
        /// The address.
        url: String,
        /// Where the answer points.
        to: String,
    },
    /// The answer is larger than was asked for.
    #[error("the answer of {url} is larger than {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// What was asked for.
        limit: u64,
    },
    /// The answer broke off.
    #[error("the answer of {url} broke off: {cause}")]
    Broken {
        /// The address.
        url: String,
        /// The cause.
        cause: String,
    },
}

/// Whether the server got a request that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It did not.
    Never,
    /// It did or did not, and the line is dead: that will not change any more.
    Perhaps,
    /// It may still arrive.
    PerhapsLater,
}

impl HttpError {
    /// Whether the server got the request.
    pub fn arrival(&self) -> Arrival {
        match self {
            HttpError::Address { .. }
            | HttpError::Setup { .. }
            | HttpError::Unreachable { .. }
            | HttpError::ProxyUnreachable { .. }
            | HttpError::NoTls { .. }
            | HttpError::ProxyUnauthorized { .. } => Arrival::Never,
            HttpError::Interrupted { .. } => Arrival::PerhapsLater,
            // Who sends on has not taken it, but who knows what stands behind.
            HttpError::SentOn { .. } => Arrival::Perhaps,
            HttpError::HungUp { .. }
            | HttpError::TooLarge { .. }
            | HttpError::Broken { .. }
            | HttpError::Unfinished { .. } => Arrival::Perhaps,
            HttpError::TimedOut { .. } => Arrival::PerhapsLater,
        }
    }

    /// Whether asking again may help.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            HttpError::Unreachable { .. }
                | HttpError::ProxyUnreachable { .. }
                | HttpError::HungUp { .. }
                | HttpError::TimedOut { .. }
                | HttpError::Unfinished { .. }
                | HttpError::Broken { .. }
        )
    }

    /// Whether it was waited for as long as may be.
    pub fn took_long(&self) -> bool {
        matches!(self, HttpError::TimedOut { .. } | HttpError::Unfinished { .. })
    }
}
