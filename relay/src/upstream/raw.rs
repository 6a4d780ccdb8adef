//! `observer.Observer/GetFlows` of a Hubble server, with responses as the bytes they are.

use bytes::{Buf as _, Bytes};
use prost::Message as _;
use proto::observer::GetFlowsRequest;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

/// The largest response that is taken.
const MAX_RESPONSE_BYTES: usize = 4 << 20;

/// Calls the method.
pub(super) async fn flows(
    channel: Channel,
    request: GetFlowsRequest,
) -> Result<Streaming<Bytes>, Status> {
    let mut client =
        tonic::client::Grpc::new(channel).max_decoding_message_size(MAX_RESPONSE_BYTES);
    client
        .ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::from_static("/observer.Observer/GetFlows");
    let answer = client
        .server_streaming(Request::new(request), path, RawResponses)
        .await?;
    Ok(answer.into_inner())
}

/// Requests as messages, responses as bytes.
#[derive(Debug, Default)]
struct RawResponses;

impl Codec for RawResponses {
    type Encode = GetFlowsRequest;
    type Decode = Bytes;
    type Encoder = Requests;
    type Decoder = Responses;

    fn encoder(&mut self) -> Requests {
        Requests
    }

    fn decoder(&mut self) -> Responses {
        Responses
    }
}

#[derive(Debug)]
struct Requests;

impl Encoder for Requests {
    type Item = GetFlowsRequest;
    type Error = Status;

    fn encode(&mut self, item: GetFlowsRequest, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(out)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

#[derive(Debug)]
struct Responses;

impl Decoder for Responses {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
