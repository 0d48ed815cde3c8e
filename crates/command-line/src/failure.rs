//! How a command ends: the exit code, and what a person is told who has to do something about it.

use std::fmt;

/// The exit codes, which `docs/command-line.md` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// What no other code stands for.
    Failed,
    /// Bad options or a bad configuration; clap's own code.
    Usage,
    /// Not signed in: refused, or nothing to sign in with.
    NotSignedIn,
    /// What was named does not exist, or the name fits several.
    NotFound,
    /// The service understood and refused.
    Refused,
    /// A service could not be reached, or could not answer.
    Unreachable,
    /// A copy ended in `error`.
    CopyFailed,
    /// A copy was canceled.
    Canceled,
    /// Stopped watching; the copies go on.
    StoppedWatching,
}

/// Why a command could not do what it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
    remedy: Option<String>,
}

impl Exit {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 10] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::NotSignedIn,
        Self::NotFound,
        Self::Refused,
        Self::Unreachable,
        Self::CopyFailed,
        Self::Canceled,
        Self::StoppedWatching,
    ];

    pub(crate) const fn code(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotSignedIn => 3,
            Self::NotFound => 4,
            Self::Refused => 5,
            Self::Unreachable => 6,
            Self::CopyFailed => 7,
            Self::Canceled => 8,
            // As shells say that SIGINT ended a program.
            Self::StoppedWatching => 130,
        }
    }
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            remedy: None,
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// With what to do about it.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// With what was being done.
    pub(crate) fn while_doing(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Whether waiting may help.
    pub(crate) fn is_outage(&self) -> bool {
        self.exit == Exit::Unreachable
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n{remedy}"),
            None => Ok(()),
        }
    }
}

impl From<openstack::Error> for Failure {
    fn from(error: openstack::Error) -> Self {
        use openstack::Error;
        let exit = match &error {
            Error::Unauthorized(_) => Exit::NotSignedIn,
            Error::NoToken { cause, .. } if !cause.is_outage() => Exit::NotSignedIn,
            Error::NotFound(_) | Error::Gone(_) | Error::NoEndpoint { .. } => Exit::NotFound,
            Error::Settings(_) => Exit::Usage,
            outage if outage.is_outage() => Exit::Unreachable,
            Error::Malformed(_) => Exit::Failed,
            _ => Exit::Refused,
        };
        Self::new(exit, error.to_string())
    }
}
