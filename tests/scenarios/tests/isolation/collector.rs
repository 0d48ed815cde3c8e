//! A stand-in for a collector of traces: it takes whatever is exported (OTLP over gRPC) and keeps the bytes. A real one
//! would only store them where a test can't look.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// An answer without fields: one message of no bytes (gRPC over HTTP/2, "Length-Prefixed-Message").
const EMPTY: &[u8] = &[0; 5];

/// Takes exports until it is dropped.
pub(crate) struct Collector {
    url: String,
    exported: Exported,
    _listening: AbortOnDropHandle<()>,
}

type Exported = Arc<Mutex<Vec<u8>>>;

impl Collector {
    /// A collector on a free port.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let exported = Exported::default();
        let kept = exported.clone();
        let listening = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let kept = kept.clone();
                let service = service_fn(move |request| take(request, kept.clone()));
                let serving = http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(connection), service);
                // A connection that breaks is exported anew by its client.
                tokio::spawn(serving);
            }
        });
        Ok(Self {
            url,
            exported,
            _listening: AbortOnDropHandle::new(listening),
        })
    }

    /// Where services shall export to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Everything that was exported, as it came; texts in it are as they are (Protocol Buffers, "Strings").
    pub(crate) fn exported(&self) -> Vec<u8> {
        self.exported
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

type Answer = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

async fn take(request: Request<Incoming>, kept: Exported) -> hyper::Result<Response<Answer>> {
    let body = request.into_body().collect().await?.to_bytes();
    kept.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .extend(&body);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = vec![
        Ok(Frame::data(Bytes::from_static(EMPTY))),
        Ok(Frame::trailers(trailers)),
    ];
    let mut response = Response::new(StreamBody::new(stream::iter(frames)));
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(CONTENT_TYPE, grpc);
    Ok(response)
}
