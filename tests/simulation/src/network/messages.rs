//! gRPC messages in the bodies of HTTP requests and answers.

use bytes::{BufMut, Bytes, BytesMut};
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use prost::Message;
use tonic::Status;
use tonic::body::Body;

/// A message comes behind a byte for its compression and four for its length.
const HEAD: usize = 5;
const STATUS: &str = "grpc-status";
const OK: HeaderValue = HeaderValue::from_static("0");

/// Reads the one message of a body, and makes the body anew.
pub(super) async fn read<M: Message + Default>(body: Body) -> (Option<M>, Body) {
    let Ok(collected) = body.collect().await else {
        let broken = stream::iter([Err(Status::unavailable("the connection broke"))]);
        let broken = broken.map(|broken| broken.map(|()| Frame::data(Bytes::new())));
        return (None, Body::new(StreamBody::new(broken)));
    };
    let trailers = collected.trailers().cloned();
    let bytes = collected.to_bytes();
    let message = decode(&bytes);
    let data = (!bytes.is_empty()).then(|| Frame::data(bytes));
    let frames = data.into_iter().chain(trailers.map(Frame::trailers));
    (message, of_frames(frames.collect()))
}

/// The message of a frame that holds just one.
pub(super) fn decode<M: Message + Default>(frame: &Bytes) -> Option<M> {
    frame.get(HEAD..).and_then(|it| M::decode(it).ok())
}

/// A frame that holds a message.
pub(super) fn encode(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(HEAD + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).expect("small messages"));
    message.encode(&mut frame).expect("there is room");
    frame.freeze()
}

/// A body that holds a message and ends well.
pub(super) fn body_of(message: &impl Message) -> Body {
    let mut trailers = HeaderMap::new();
    trailers.insert(STATUS, OK);
    of_frames(vec![
        Frame::data(encode(message)),
        Frame::trailers(trailers),
    ])
}

/// An answer that holds a message.
pub(super) fn answer_of(message: &impl Message) -> Response<Body> {
    let answer = Response::builder().header("content-type", "application/grpc");
    answer.body(body_of(message)).expect("sound headers")
}

/// Whether headers or trailers carry a status other than OK.
pub(super) fn has_failed(headers: &HeaderMap) -> bool {
    headers.get(STATUS).is_some_and(|status| status != OK)
}

fn of_frames(frames: Vec<Frame<Bytes>>) -> Body {
    let frames = frames.into_iter().map(Ok::<_, Status>);
    Body::new(StreamBody::new(stream::iter(frames)))
}
