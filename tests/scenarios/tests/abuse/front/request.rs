//! What a request is about: the operation, and the image.

use std::io::{Error, ErrorKind};

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// The largest head, and the largest document, that is taken.
const LARGEST: usize = 256 * 1024;

/// The calls of the Image API that a fault can be planned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Show,
    Create,
    Patch,
    Delete,
    Download,
    Upload,
    /// A list, a version, a schema.
    Other,
}

/// A request's head and as much of its body as has come; of a document, all.
pub(crate) struct Request {
    pub(crate) operation: Operation,
    /// The bytes up to and with the empty line.
    pub(crate) head: Vec<u8>,
    /// What has come of the body.
    pub(crate) body: Vec<u8>,
    path: String,
}

impl Request {
    /// Reads the next request of a connection; none when there is none.
    pub(crate) async fn read(client: &mut TcpStream) -> std::io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = head_end(&bytes) {
                break end;
            }
            if bytes.len() > LARGEST {
                return Err(Error::from(ErrorKind::InvalidData));
            }
            if client.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        };
        let body = bytes.split_off(end);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut words = text.split_whitespace();
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().to_owned();
        let mut request = Self {
            operation: operation(&method, &path),
            head: bytes,
            body,
            path,
        };
        if request.operation == Operation::Create {
            let length = header(&text, "content-length").and_then(|value| value.parse().ok());
            let length: usize = length.unwrap_or_default();
            while request.body.len() < length.min(LARGEST) {
                if client.read_buf(&mut request.body).await? == 0 {
                    break;
                }
            }
        }
        Ok(Some(request))
    }

    /// The image that the request names, if it names one.
    pub(crate) fn image(&self) -> Option<String> {
        if self.operation == Operation::Create {
            return self.document()?["id"].as_str().map(str::to_owned);
        }
        let rest = self.path.strip_prefix("/v2/images/")?;
        let id = rest.split(['/', '?']).next()?;
        (id.len() == 36).then(|| id.to_owned())
    }

    /// The image that is created and the one that it will be a copy of.
    pub(crate) fn created_copy(&self) -> Option<(String, String)> {
        let document = self.document()?;
        let text = |key: &str| document[key].as_str().map(str::to_owned);
        Some((text("id")?, text("replicated_from_image")?))
    }

    fn document(&self) -> Option<Value> {
        let is_create = self.operation == Operation::Create;
        is_create.then(|| serde_json::from_slice(&self.body).ok())?
    }
}

fn operation(method: &str, path: &str) -> Operation {
    let of_image = path.starts_with("/v2/images/");
    match (method, path.ends_with("/file")) {
        ("GET", true) => Operation::Download,
        ("PUT", true) => Operation::Upload,
        ("GET", false) if of_image => Operation::Show,
        ("PATCH", _) if of_image => Operation::Patch,
        ("DELETE", _) if of_image => Operation::Delete,
        ("POST", _) if path == "/v2/images" => Operation::Create,
        _ => Operation::Other,
    }
}

/// Where a head ends, behind its empty line.
pub(super) fn head_end(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(at + 4)
}

/// The value of a header of a head.
pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
