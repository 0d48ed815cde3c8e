//! A thin client of Keystone v3 and Glance v2, with exactly the calls that copying images needs.
//!
//! Invariants: a token or password is a [`secrecy::SecretString`] and appears in no `Debug`, no
//! error and no log line; a redirect is never followed, so a token never reaches a host that was
//! not configured; nothing here decides whether an error is worth another try, except that a lone
//! 401 of a service token is retried once with a new one.
//!
//! JSON goes through `hyper`'s pooled client; image bytes go through one `hyper` HTTP/1.1 connection a
//! transfer, with read buffers that are handed on without copying; who reads an image in ranges keeps its
//! connections for the next ones. Gateway, worker, copy engine and
//! admission call this crate; it reads no configuration and no clock of its own.

mod body_text;
mod catalog;
mod connection;
mod connector;
mod context;
mod early_answer;
mod error;
mod glance;
mod http_client;
mod identity;
mod keystone;
mod region;
mod request_span;
mod resolver;
mod tls;
mod token;

pub use catalog::{Catalog, Endpoint, Service};
pub use connection::SpareConnections;
pub use connector::Connector;
pub use context::RequestContext;
pub use error::Error;
pub use glance::{
    Auth, ByteRange, ContentRange, Download, DownloadBody, DownloadRefused, Formats, Glance, Image,
    ImageFilter, ImagePage, ImageStatus, NewImage, PatchOp, Ungated, Visibility, Withheld,
    WriteGate, Writes,
};
pub use http_client::{HttpClient, HttpSettings};
pub use identity::{Purpose, ServiceIdentity, ServiceScope};
pub use keystone::{
    Credentials, DomainName, Keystone, Named, Password, Project, ProjectList, ProjectRole, Scope,
    SignIn, User,
};
pub use region::{Cloud, Region, RegionSettings};
pub use resolver::Resolver;
pub use tls::install_crypto_provider;
pub use token::{DomainRef, ProjectRef, Token, TokenInfo, UserRef};
