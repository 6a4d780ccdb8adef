//! A Tycho observer or relay: it sends batches itself.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use proto::tycho::v1::GetBatchesRequest;
use proto::tycho::v1::batches_client::BatchesClient;
use tonic::Request;
use tonic::transport::Channel;

use super::{Upstream, Wanted};

/// The largest batch that is taken: a full one whose rows all need definitions.
const MAX_BATCH_BYTES: usize = 16 << 20;

pub(super) fn open(channel: Channel, wanted: &Wanted) -> Upstream {
    let mut flows = wanted.flows.clone();
    flows.field_mask = None;
    let mut request = Request::new(GetBatchesRequest {
        flows: Some(flows),
        resume: wanted.resume.clone(),
    });
    wanted.path.put(request.metadata_mut());
    let opening = async move {
        let mut client = BatchesClient::new(channel).max_decoding_message_size(MAX_BATCH_BYTES);
        let answer = client.get_batches(request).await?;
        Ok::<_, tonic::Status>(answer.into_inner())
    };
    stream::once(opening).try_flatten().boxed()
}
