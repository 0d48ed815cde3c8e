//! A call to one scheduler whose message never comes: it is under way for as long as the test likes, whatever else
//! the scheduler has to do.

use std::pin::Pin;

use anyhow::{Context, ensure};
use futures::{FutureExt, StreamExt, poll, stream};
use http::uri::PathAndQuery;
use proto::v1::job_service_client::JobServiceClient;
use proto::v1::{GetJobRequest, GetJobResponse};
use serde_json::Value;
use testbed::TestBed;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Response, Status};
use tonic_prost::ProstCodec;

const METHOD: PathAndQuery = PathAndQuery::from_static("/imagereplicator.v1.JobService/GetJob");

/// The call; ended when it is dropped.
pub(crate) struct HeldCall {
    _call: Pin<Box<dyn Future<Output = Result<Response<GetJobResponse>, Status>> + Send>>,
}

impl HeldCall {
    /// Calls the first scheduler, and waits until it has seen the head of the call.
    pub(crate) async fn begin(bed: &TestBed) -> anyhow::Result<Self> {
        let state = std::fs::read_to_string(bed.directory().join("testbed.json"))?;
        let state: Value = serde_json::from_str(&state)?;
        let address = state["schedulers"][0].as_str().context("no scheduler")?;
        let channel = Endpoint::from_shared(address.to_owned())?.connect().await?;
        let mut call = call_without_message(channel.clone()).boxed();
        ensure!(poll!(&mut call).is_pending(), "answered without a message");
        // Heads arrive in the order in which they were sent, so an answer to a later one says that the first is there.
        let nobodys = GetJobRequest::default();
        let refused = JobServiceClient::new(channel).get_job(nobodys).await;
        let code = refused.map_or_else(|status| status.code(), |_| Code::Ok);
        ensure!(code == Code::InvalidArgument, "{code:?}");
        Ok(Self { _call: call })
    }
}

async fn call_without_message(channel: Channel) -> Result<Response<GetJobResponse>, Status> {
    let mut client = Grpc::new(channel);
    let ready = client.ready().await;
    ready.map_err(|error| Status::unavailable(error.to_string()))?;
    let codec = ProstCodec::<GetJobRequest, GetJobResponse>::default();
    let nothing = stream::pending::<GetJobRequest>().boxed();
    let request = tonic::Request::new(nothing);
    client.client_streaming(request, METHOD, codec).await
}
