//! A client that takes responses off the wire and looks at no more of them than it must.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes, BytesMut};
use daemon::connect::{ClientSecurity, ClientTls, Target, Windows, connect};
use daemon::tls::CertificateFiles;
use flow::imported::{ResponseKind, scan};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetFlowsRequest, ServerStatusRequest};
use tonic::transport::Channel;
use tower::{Service as _, ServiceExt as _};

/// What a stream came to.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) flows: u64,
    /// Flows older than one before them; only where times were looked at.
    pub(crate) out_of_order: u64,
    pub(crate) took: Duration,
    /// Until the first byte of a flow.
    pub(crate) first: Duration,
}

pub(crate) async fn open(port: u16, certificates: Option<&Path>) -> Channel {
    let target = Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port,
    };
    let security = match certificates {
        Some(directory) => ClientSecurity::Tls(ClientTls {
            authorities: vec![directory.join("ca.pem")],
            certificate: Some(CertificateFiles {
                certificate: directory.join("node.pem"),
                key: directory.join("node-key.pem"),
            }),
            ..ClientTls::default()
        }),
        None => ClientSecurity::Plaintext,
    };
    connect(&target, &security, Windows::BULK)
        .await
        .expect("the relay answers")
}

/// Waits until the relay is connected to so many nodes.
pub(crate) async fn connected(channel: &Channel, nodes: u32) {
    let mut client = ObserverClient::new(channel.clone());
    let begun = Instant::now();
    loop {
        let status = client
            .server_status(ServerStatusRequest {})
            .await
            .expect("a status");
        if status.into_inner().num_connected_nodes == Some(nodes) {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the nodes are not connected"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Reads the stream of a request until it ends, or `until` says that it is enough.
pub(crate) async fn read(
    channel: &Channel,
    request: &GetFlowsRequest,
    with_times: bool,
    mut seen: impl FnMut(&[u8]) -> bool,
) -> Read {
    let mut result = Read::default();
    let begun = Instant::now();
    let mut body = call(channel, request).await;
    let (mut buffer, mut newest_ns) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.expect("the stream holds").into_data() else {
            continue;
        };
        buffer.extend_from_slice(&data);
        while let Some(message) = next_message(&mut buffer) {
            let scanned = with_times.then(|| scan(&message));
            // Without looking, the few news of nodes count as flows.
            if scanned.is_none_or(|scanned| scanned.kind == ResponseKind::Flow) {
                if result.flows == 0 {
                    result.first = begun.elapsed();
                }
                result.flows += 1;
            }
            let of_flow = scanned.filter(|scanned| scanned.kind == ResponseKind::Flow);
            if let Some(time_ns) = of_flow.and_then(|scanned| scanned.time_ns) {
                result.out_of_order += u64::from(time_ns < newest_ns);
                newest_ns = newest_ns.max(time_ns);
            }
            if !seen(&message) {
                return result;
            }
        }
    }
    result.took = begun.elapsed();
    result
}

/// Opens a stream and does not read it.
pub(crate) async fn call(channel: &Channel, request: &GetFlowsRequest) -> tonic::body::Body {
    let message = request.encode_to_vec();
    let mut framed = vec![0];
    framed.extend_from_slice(
        &u32::try_from(message.len())
            .expect("a short request")
            .to_be_bytes(),
    );
    framed.extend_from_slice(&message);
    let request = http::Request::post("/observer.Observer/GetFlows")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(tonic::body::Body::new(Full::new(Bytes::from(framed))))
        .expect("a request");
    let mut channel = channel.clone();
    let response = channel
        .ready()
        .await
        .expect("a connection")
        .call(request)
        .await;
    let body = response.expect("an answer").into_body();
    assert!(!body.is_end_stream(), "the request was refused");
    body
}

fn next_message(buffer: &mut BytesMut) -> Option<Bytes> {
    let length = buffer.get(1..5)?;
    let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
    if buffer.len() < 5 + length {
        return None;
    }
    buffer.advance(5);
    Some(buffer.split_to(length).freeze())
}
