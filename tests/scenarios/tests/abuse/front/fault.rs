//! What can be planned to go wrong, and when.

use std::time::Duration;

use super::Operation;

/// One way to misbehave.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// This page instead of Glance's answer; Glance does not hear of the request.
    Answer(Page),
    /// No answer at all, and nothing of a body is read.
    Silence,
    /// No answer until the image is released or forgiven; then a 500.
    Hold,
    /// A body of so many bytes a second, of the request or of the answer, whichever is the image's.
    Trickle(u32),
    /// An answer that says and sends so many bytes fewer, or more, than the image has.
    Resized(i64),
    /// An answer that breaks off after so many bytes of its body.
    BreakAfter(usize),
    /// An answer with a flipped bit at this place of the image.
    WrongByte(u64),
    /// An answer whose body stops after so many bytes, for a while.
    Pause(usize, Duration),
}

/// A page that Glance would not send.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    status: &'static str,
    headers: String,
    body: &'static str,
}

impl Page {
    /// What a broken service answers to everything.
    pub(crate) fn server_error() -> Self {
        Self {
            status: "500 Internal Server Error",
            headers: "Content-Type: text/plain\r\n".to_owned(),
            body: "something is very wrong",
        }
    }

    /// What a portal, or a front of something else, answers to everything.
    pub(crate) fn html() -> Self {
        Self {
            status: "200 OK",
            headers: "Content-Type: text/html\r\n".to_owned(),
            body: "<html><body><h1>Welcome</h1>Please log in.</body></html>",
        }
    }

    /// The way to another host.
    pub(crate) fn redirect(status: &'static str, to: &str) -> Self {
        Self {
            status,
            headers: format!("Location: {to}\r\n"),
            body: "",
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let Self {
            status,
            headers,
            body,
        } = self;
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

/// A fault of the requests about one image.
#[derive(Debug, Clone)]
pub(crate) struct When {
    pub(crate) image: String,
    operation: Option<Operation>,
    fault: Fault,
    /// How many requests more; none: all.
    left: Option<usize>,
}

impl When {
    /// Whenever this is done to the image.
    pub(crate) fn doing(operation: Operation, image: &str, fault: Fault) -> Self {
        Self {
            operation: Some(operation),
            ..Self::anything_is_done(image, fault)
        }
    }

    /// Whatever is done to the image.
    pub(crate) fn anything_is_done(image: &str, fault: Fault) -> Self {
        Self {
            image: image.to_owned(),
            operation: None,
            fault,
            left: None,
        }
    }

    /// Only so many times.
    pub(crate) fn times(mut self, count: usize) -> Self {
        self.left = Some(count);
        self
    }

    pub(super) fn covers(&self, operation: Operation) -> bool {
        self.operation.is_none_or(|covered| covered == operation) && self.left != Some(0)
    }

    /// The fault, once more.
    pub(super) fn take(&mut self) -> Fault {
        self.left = self.left.map(|left| left - 1);
        self.fault.clone()
    }
}
