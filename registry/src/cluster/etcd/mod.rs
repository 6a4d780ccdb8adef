//! The registry of several machines: an etcd, version 3.4 or newer.
//!
//! What goes with a node hangs on its lease. Every transaction also holds the cluster's id against this node's, so that
//! nothing is ever written to an etcd that was wiped, or to another cluster's.

mod call;
mod connection;
mod feed;
mod identity;
mod store;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use super::error::RegistryError;
use super::settings::{EtcdTls, RegistrySettings};
use super::store::{Backend, BackendError, Call, Session};
use super::url::EtcdUrl;
use connection::{Connection, Connector};
use feed::EtcdFeed;
use identity::ClusterId;
use store::EtcdStore;

/// The backend.
#[derive(Debug)]
pub(super) struct EtcdBackend {
    connector: Connector,
    cluster: ClusterId,
    /// How long this process's keys stay after it; `None` if it is no node.
    lease: Option<Duration>,
    /// The lease of the session before.
    granted: Option<i64>,
    /// Which member is asked next.
    next: usize,
}

impl EtcdBackend {
    pub(super) fn new(url: &EtcdUrl, settings: &RegistrySettings) -> Result<Self, RegistryError> {
        let login = settings.login.clone();
        let login = login.map(|login| (login.user, login.password));
        let connector = Connector::new(
            url,
            login.or_else(|| url.login.clone()),
            &settings.tls,
            settings.call_timeout,
        )?;
        Ok(Self {
            cluster: ClusterId::new(url.to_string(), settings.state.as_deref())?,
            connector,
            lease: settings.node.as_ref().map(|_| settings.lease),
            granted: None,
            next: 0,
        })
    }

    async fn open(&mut self, known: Option<u64>) -> Result<Session, BackendError> {
        let connection = match self.connector.connect(self.next).await {
            Ok(connection) => connection,
            Err(error) => {
                self.next += 1;
                return Err(error);
            }
        };
        match self.begin(connection, known).await {
            Ok(session) => Ok(session),
            Err(error) => {
                // Perhaps only this member has lost the others.
                self.next += 1;
                Err(error)
            }
        }
    }

    async fn begin(
        &mut self,
        connection: Connection,
        known: Option<u64>,
    ) -> Result<Session, BackendError> {
        // A node writes, so it may also found the cluster.
        let revision = self
            .cluster
            .check(&connection, self.lease.is_some())
            .await?;
        let mut keeps_own = false;
        if let Some(lease) = self.lease {
            if let Some(granted) = self.granted {
                keeps_own = connection.keep_alive(granted).await?;
            }
            if !keeps_own {
                self.granted = Some(connection.grant(lease).await?);
            }
        }
        // An etcd that was restored from a snapshot may be behind: nothing that was known of it is sure any more.
        let is_behind = known.is_some_and(|known| known > revision);
        let known = known.filter(|_| !is_behind);
        let feed = EtcdFeed::new(connection.clone(), self.granted, known);
        let store = EtcdStore::new(connection, self.cluster.clone(), self.granted);
        Ok(Session {
            store: std::sync::Arc::new(store),
            feed: Box::new(feed),
            keeps_own: keeps_own && !is_behind,
        })
    }
}

impl Backend for EtcdBackend {
    fn connect(&mut self, known: Option<u64>) -> Call<'_, Session> {
        Box::pin(self.open(known))
    }

    fn cluster_id(&self) -> Option<String> {
        self.cluster.id()
    }
}

/// Reads a PEM file that a setting names.
fn read_pem(what: &str, path: &PathBuf) -> Result<Vec<u8>, RegistryError> {
    std::fs::read(path).map_err(|error| RegistryError::Setting {
        setting: what.to_owned(),
        reason: format!("cannot read {}: {error}", path.display()),
    })
}
