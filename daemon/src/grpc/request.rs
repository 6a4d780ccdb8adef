//! Reading the one message of a request, bounded.

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use prost::Message;
use tonic::Status;
use tonic::body::Body;

/// The largest request that is read, in bytes, as in other gRPC servers.
const MAX_REQUEST_BYTES: usize = 4 << 20;

/// A message follows its compressed flag and its length.
const PREFIX_BYTES: usize = 5;

/// The only message of a request.
///
/// # Errors
/// If there is not exactly one message of that type, uncompressed and of at most 4 MiB.
pub async fn read_message<M: Message + Default>(body: Body) -> Result<M, Status> {
    let collected = Limited::new(body, MAX_REQUEST_BYTES + PREFIX_BYTES)
        .collect()
        .await;
    match collected {
        Ok(bytes) => decode(bytes.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Status::resource_exhausted(format!(
            "the request is larger than {MAX_REQUEST_BYTES} bytes"
        ))),
        Err(error) => Err(Status::from_error(error)),
    }
}

fn decode<M: Message + Default>(bytes: Bytes) -> Result<M, Status> {
    let Some((&[compressed, ref length @ ..], message)) = bytes.split_first_chunk::<PREFIX_BYTES>()
    else {
        return Err(Status::invalid_argument("the request has no message"));
    };
    if compressed != 0 {
        return Err(Status::unimplemented(
            "compressed requests are not supported: send them plain",
        ));
    }
    let length = u32::from_be_bytes(*length) as usize;
    if message.len() != length {
        return Err(Status::invalid_argument(format!(
            "the request should hold one message of {length} bytes, and has {}",
            message.len()
        )));
    }
    M::decode(message)
        .map_err(|error| Status::invalid_argument(format!("the request is malformed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::observer::GetFlowsRequest;
    use tonic::Code;

    #[test]
    fn requests_are_checked() {
        let check = |bytes: &'static [u8], expect: Result<u64, Code>| {
            let decoded: Result<GetFlowsRequest, Status> = decode(Bytes::from_static(bytes));
            let number = decoded.map(|request| request.number);
            assert_eq!(number.map_err(|status| status.code()), expect, "{bytes:?}");
        };
        check(&[0, 0, 0, 0, 0], Ok(0));
        check(&[0, 0, 0, 0, 2, 8, 7], Ok(7));
        check(&[1, 0, 0, 0, 2, 8, 7], Err(Code::Unimplemented));
        check(&[], Err(Code::InvalidArgument));
        check(&[0, 0, 0, 0], Err(Code::InvalidArgument));
        check(&[0, 0, 0, 0, 3, 8, 7], Err(Code::InvalidArgument));
        check(&[0, 0, 0, 0, 1, 8, 7], Err(Code::InvalidArgument));
        check(&[0, 0, 0, 0, 2, 8, 0xff], Err(Code::InvalidArgument));
    }
}
