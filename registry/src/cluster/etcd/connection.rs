//! A connection to one member of an etcd: TLS, login, leases.

use std::sync::Arc;
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use super::super::error::RegistryError;
use super::super::life::NodeLife;
use super::super::store::BackendError;
use super::super::url::EtcdUrl;
use super::EtcdTls;
use super::call::within;
use super::read_pem;
use super::wire::etcdserverpb::auth_client::AuthClient;
use super::wire::etcdserverpb::kv_client::KvClient;
use super::wire::etcdserverpb::lease_client::LeaseClient;
use super::wire::etcdserverpb::watch_client::WatchClient;
use super::wire::etcdserverpb::{
    AuthenticateRequest, LeaseGrantRequest, LeaseKeepAliveRequest, LeaseTimeToLiveRequest,
    RangeRequest, RangeResponse,
};

/// Bytes of one answer: a page of keys, or the changes of a time.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// A channel that shows who we are.
pub(super) type LoggedIn = InterceptedService<Channel, Token>;

/// Adds the token of a login to each call.
#[derive(Clone, Debug, Default)]
pub(super) struct Token(Option<MetadataValue<Ascii>>);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("token", token.clone());
        }
        Ok(request)
    }
}

/// How members are connected to.
pub(super) struct Connector {
    endpoints: Vec<(String, Endpoint)>,
    login: Option<(String, String)>,
    prefix: String,
    limit: Duration,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members = self.endpoints.iter().map(|(member, _)| member);
        out.debug_list().entries(members).finish()
    }
}

impl Connector {
    pub(super) fn new(
        url: &EtcdUrl,
        login: Option<(String, String)>,
        tls: &EtcdTls,
        limit: Duration,
    ) -> Result<Self, RegistryError> {
        let invalid = |reason: String| RegistryError::Setting {
            setting: "address of etcd".to_owned(),
            reason,
        };
        let tls = match url.tls {
            true => Some(client_tls(tls)?),
            false if *tls == EtcdTls::default() => None,
            false => {
                return Err(invalid(format!(
                    "certificates are given, but {url} is without TLS: say etcds://"
                )));
            }
        };
        let scheme = if url.tls { "https" } else { "http" };
        let mut endpoints = Vec::new();
        for member in &url.members {
            let endpoint = Endpoint::from_shared(format!("{scheme}://{member}"))
                .map_err(|error| invalid(format!("{member}: {error}")))?
                .connect_timeout(limit)
                .tcp_nodelay(true);
            let endpoint = match tls.clone() {
                Some(tls) => endpoint
                    .tls_config(tls)
                    .map_err(|error| invalid(format!("{member}: {error}")))?,
                None => endpoint,
            };
            endpoints.push((member.clone(), endpoint));
        }
        Ok(Self {
            endpoints,
            login,
            prefix: format!("/{}/", url.prefix),
            limit,
        })
    }

    /// Connects to the member that is next in turn, and logs in.
    pub(super) async fn connect(&self, turn: usize) -> Result<Connection, BackendError> {
        let (member, endpoint) = &self.endpoints[turn % self.endpoints.len()];
        let error = |source: Box<dyn std::error::Error + Send + Sync>| BackendError::Connect {
            endpoint: member.clone(),
            source,
        };
        let channel = match tokio::time::timeout(self.limit, endpoint.connect()).await {
            Ok(connected) => connected.map_err(|source| error(source.into()))?,
            Err(elapsed) => return Err(error(elapsed.into())),
        };
        let token = match &self.login {
            Some((name, password)) => {
                let request = AuthenticateRequest {
                    name: name.clone(),
                    password: password.clone(),
                };
                let mut client = AuthClient::new(channel.clone());
                let call = client.authenticate(request);
                let answer = within("log in", member, self.limit, call).await?;
                let token = answer.token.parse().map_err(|token| BackendError::Call {
                    step: "log in",
                    endpoint: member.clone(),
                    message: format!("its token cannot be shown again: {token}"),
                })?;
                Token(Some(token))
            }
            None => Token::default(),
        };
        Ok(Connection {
            channel: InterceptedService::new(channel, token),
            member: member.as_str().into(),
            prefix: self.prefix.as_str().into(),
            limit: self.limit,
        })
    }
}

fn client_tls(tls: &EtcdTls) -> Result<ClientTlsConfig, RegistryError> {
    let mut config = match &tls.ca {
        Some(ca) => {
            let pem = read_pem("CA of etcd", ca)?;
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))
        }
        None => ClientTlsConfig::new().with_native_roots(),
    };
    if let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) {
        let certificate = read_pem("certificate for etcd", certificate)?;
        let key = read_pem("key for etcd", key)?;
        config = config.identity(Identity::from_pem(certificate, key));
    }
    if let Some(name) = &tls.server_name {
        config = config.domain_name(name.clone());
    }
    Ok(config)
}

/// A connection to one member. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    channel: LoggedIn,
    /// For messages.
    pub(super) member: Arc<str>,
    /// Below which all keys lie, with a slash at either end.
    pub(super) prefix: Arc<str>,
    /// How long a call may take.
    pub(super) limit: Duration,
}

impl Connection {
    pub(super) fn keys(&self) -> KvClient<LoggedIn> {
        KvClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(super) fn watches(&self) -> WatchClient<LoggedIn> {
        WatchClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// A key of ours as etcd has it.
    pub(super) fn full(&self, key: &str) -> Vec<u8> {
        format!("{}{key}", self.prefix).into_bytes()
    }

    /// A key of etcd's as ours.
    pub(super) fn relative(&self, key: &[u8]) -> String {
        let key = String::from_utf8_lossy(key);
        key.strip_prefix(&*self.prefix).unwrap_or(&key).to_owned()
    }

    pub(super) async fn range(
        &self,
        step: &'static str,
        request: RangeRequest,
    ) -> Result<RangeResponse, BackendError> {
        let mut client = self.keys();
        within(step, &self.member, self.limit, client.range(request)).await
    }

    /// A new lease.
    pub(super) async fn grant(&self, length: Duration) -> Result<i64, BackendError> {
        let seconds = length.as_secs() + u64::from(length.subsec_nanos() > 0);
        let request = LeaseGrantRequest {
            ttl: i64::try_from(seconds).unwrap_or(i64::MAX),
            id: 0,
        };
        let mut client = LeaseClient::new(self.channel.clone());
        let call = client.lease_grant(request);
        let answer = within("get a lease", &self.member, self.limit, call).await?;
        Ok(answer.id)
    }

    /// Prolongs a lease. Says whether there still was one.
    pub(super) async fn keep_alive(&self, lease: i64) -> Result<bool, BackendError> {
        const STEP: &str = "prolong the lease";
        let once = tokio_stream::once(LeaseKeepAliveRequest { id: lease });
        let mut client = LeaseClient::new(self.channel.clone());
        let call = async {
            let mut answers = client.lease_keep_alive(once).await?.into_inner();
            answers.message().await.map(tonic::Response::new)
        };
        let answer = within(STEP, &self.member, self.limit, call).await?;
        Ok(answer.is_some_and(|answer| answer.ttl > 0))
    }

    /// How long a lease is and still holds; `None` if there is none any more.
    pub(super) async fn life(&self, lease: i64) -> Result<Option<NodeLife>, BackendError> {
        let mut client = LeaseClient::new(self.channel.clone());
        let call = client.lease_time_to_live(LeaseTimeToLiveRequest { id: lease });
        let answer = within("look at a lease", &self.member, self.limit, call).await?;
        let seconds = |seconds: i64| u64::try_from(seconds).ok().map(Duration::from_secs);
        // One that is over has -1.
        let life = seconds(answer.ttl).zip(seconds(answer.granted_ttl));
        Ok(life.map(|(remaining, length)| NodeLife::Lease { length, remaining }))
    }
}

/// The end of all keys that begin with `prefix`.
pub(super) fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    // Every key.
    vec![0]
}
