//! One call to etcd: bounded in time, with an error that says which it was.

use std::time::Duration;

use tonic::{Code, Response, Status};

use super::super::store::BackendError;

/// Waits for an answer, but not longer than `limit`.
pub(super) async fn within<T>(
    step: &'static str,
    endpoint: &str,
    limit: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, BackendError> {
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(failed(step, endpoint, &status)),
        Err(_) => Err(BackendError::Timeout {
            step,
            backend: endpoint.to_owned(),
            after: limit,
        }),
    }
}

/// What etcd answered, in its own words.
pub(super) fn failed(step: &'static str, endpoint: &str, status: &Status) -> BackendError {
    let message = match status.message() {
        "" => format!("{:?}", status.code()),
        message => message.to_owned(),
    };
    let endpoint = endpoint.to_owned();
    if status.code() == Code::PermissionDenied {
        return BackendError::Denied {
            step,
            endpoint,
            message,
        };
    }
    BackendError::Call {
        step,
        endpoint,
        message,
    }
}
