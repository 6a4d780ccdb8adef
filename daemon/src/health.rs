//! The server's `grpc.health.v1` statuses, for the names that Hubble's clients ask for.

pub use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// The names under which a server answers: the whole server, Hubble's historical name (used by
/// its probes), and the protobuf name of the service.
pub const NAMES: [&str; 3] = ["", "hubble.server.Observer", "observer.Observer"];

/// Sets the statuses of one server. Clones share them.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
}

impl Health {
    /// A server that does not serve yet, under every one of [`NAMES`].
    pub async fn starting() -> Self {
        let health = Self {
            reporter: HealthReporter::new(),
        };
        health.set(ServingStatus::NotServing).await;
        health
    }

    /// The gRPC service to add to the server.
    #[must_use]
    pub fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// The server serves.
    pub async fn serving(&self) {
        self.set(ServingStatus::Serving).await;
    }

    /// The server drains: balancers and kubelet send nothing new.
    pub async fn draining(&self) {
        self.set(ServingStatus::NotServing).await;
    }

    async fn set(&self, status: ServingStatus) {
        for name in NAMES {
            self.reporter.set_service_status(name, status).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Request;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_server::Health as HealthApi;

    async fn status(health: &Health, name: &str) -> Option<i32> {
        let service = HealthService::from_health_reporter(health.reporter.clone());
        let request = HealthCheckRequest {
            service: name.to_owned(),
        };
        let answer = service.check(Request::new(request)).await.ok()?;
        Some(answer.into_inner().status)
    }

    #[tokio::test]
    async fn every_name_follows_the_state() {
        const SERVING: i32 = 1;
        const NOT_SERVING: i32 = 2;
        let health = Health::starting().await;
        let check = async |expect: i32| {
            for name in NAMES {
                assert_eq!(status(&health, name).await, Some(expect), "{name:?}");
            }
        };
        check(NOT_SERVING).await;
        health.serving().await;
        check(SERVING).await;
        health.draining().await;
        check(NOT_SERVING).await;
        assert_eq!(status(&health, "no.such.Service").await, None);
    }
}
