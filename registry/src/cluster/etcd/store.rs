//! Transactions as etcd takes them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::keys::{self, Key};
use super::super::life::NodeLife;
use super::super::store::{
    BackendError, Call, Guard, Lifetime, Outcome, Store, Transaction, Write,
};
use super::call::within;
use super::connection::{Connection, end_of};
use super::identity::{ClusterId, read_value};
use super::wire::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use super::wire::etcdserverpb::request_op::Request;
use super::wire::etcdserverpb::response_op::Response;
use super::wire::etcdserverpb::{
    Compare, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest, TxnResponse,
};

/// Changes of one session.
#[derive(Debug)]
pub(super) struct EtcdStore {
    connection: Connection,
    cluster: ClusterId,
    lease: Option<i64>,
}

impl EtcdStore {
    pub(super) fn new(connection: Connection, cluster: ClusterId, lease: Option<i64>) -> Self {
        Self {
            connection,
            cluster,
            lease,
        }
    }

    async fn carry_out(&self, transaction: Transaction) -> Result<Outcome, BackendError> {
        let guard = self.cluster.guard(&self.connection);
        let checks_cluster = guard.is_some();
        let guards = transaction.guards.iter().map(|guard| self.compare(guard));
        let mut success = Vec::new();
        for write in transaction.writes {
            success.push(self.write(write).await?);
        }
        let mut failure: Vec<RequestOp> = transaction
            .otherwise_read
            .iter()
            .map(|key| self.read(key))
            .collect();
        if checks_cluster {
            failure.push(self.read(keys::CLUSTER_ID));
        }
        let request = TxnRequest {
            compare: guard.into_iter().chain(guards).collect(),
            success,
            failure,
        };
        let mut client = self.connection.keys();
        let call = client.txn(request);
        let (member, limit) = (&self.connection.member, self.connection.limit);
        let answer = within("carry out a transaction", member, limit, call).await?;
        let mut outcome = outcome(answer);
        if !outcome.done && checks_cluster {
            let there = outcome.read.pop().flatten();
            let there = there.as_deref().map(read_value);
            self.cluster.compare(there.as_deref())?;
        }
        Ok(outcome)
    }

    fn compare(&self, guard: &Guard) -> Compare {
        let (key, result, target_union) = match guard {
            Guard::Absent(key) | Guard::AbsentBelow(key) => {
                (key, CompareResult::Equal, TargetUnion::CreateRevision(0))
            }
            Guard::Present(key) => (key, CompareResult::Greater, TargetUnion::CreateRevision(0)),
            Guard::Equals(key, value) => {
                (key, CompareResult::Equal, TargetUnion::Value(value.clone()))
            }
        };
        let key = self.connection.full(key);
        let target = match target_union {
            TargetUnion::Value(_) => CompareTarget::Value,
            _ => CompareTarget::Create,
        };
        Compare {
            result: result.into(),
            target: target.into(),
            // A range without keys has no creation.
            range_end: match guard {
                Guard::AbsentBelow(_) => end_of(&key),
                _ => Vec::new(),
            },
            key,
            target_union: Some(target_union),
        }
    }

    async fn write(&self, write: Write) -> Result<RequestOp, BackendError> {
        let request = match write {
            Write::Put {
                key,
                value,
                lifetime,
            } => Request::RequestPut(PutRequest {
                key: self.connection.full(&key),
                value,
                lease: self.lease_for(lifetime).await?,
            }),
            Write::Delete(key) => Request::RequestDeleteRange(DeleteRangeRequest {
                key: self.connection.full(&key),
                range_end: Vec::new(),
            }),
        };
        Ok(RequestOp {
            request: Some(request),
        })
    }

    /// 0 is none.
    async fn lease_for(&self, lifetime: Lifetime) -> Result<i64, BackendError> {
        match lifetime {
            Lifetime::Permanent => Ok(0),
            Lifetime::Node => self.lease.ok_or(BackendError::NoNode {
                step: "write what lives with a node",
            }),
            Lifetime::Timer(length) => {
                self.connection
                    .grant(length.max(Duration::from_secs(1)))
                    .await
            }
        }
    }

    fn read(&self, key: &str) -> RequestOp {
        RequestOp {
            request: Some(Request::RequestRange(RangeRequest {
                key: self.connection.full(key),
                ..RangeRequest::default()
            })),
        }
    }

    /// Prolongs the lease; a process without one looks whether the cluster is still there.
    async fn look(&self) -> Result<(), BackendError> {
        let Some(lease) = self.lease else {
            self.cluster.check(&self.connection, false).await?;
            return Ok(());
        };
        if self.connection.keep_alive(lease).await? {
            return Ok(());
        }
        Err(BackendError::LeaseLost {
            endpoint: self.connection.member.to_string(),
        })
    }

    async fn leases_of_nodes(&self) -> Result<BTreeMap<String, NodeLife>, BackendError> {
        let first = self.connection.full(keys::NODES);
        let request = RangeRequest {
            range_end: end_of(&first),
            key: first,
            keys_only: true,
            ..RangeRequest::default()
        };
        let nodes = self.connection.range("list the nodes", request).await?.kvs;
        let mut lives = BTreeMap::new();
        for node in nodes {
            let Some(Key::Node(name)) = keys::parse(&self.connection.relative(&node.key)) else {
                continue;
            };
            // A lease that ended meanwhile has taken its node along.
            if let Some(life) = self.connection.life(node.lease).await? {
                lives.insert(name.to_string(), life);
            }
        }
        Ok(lives)
    }
}

impl Store for EtcdStore {
    fn transact(&self, transaction: Transaction) -> Call<'_, Outcome> {
        Box::pin(self.carry_out(transaction))
    }

    fn tick(&self) -> Call<'_, ()> {
        Box::pin(self.look())
    }

    fn lives(&self) -> Call<'_, BTreeMap<String, NodeLife>> {
        Box::pin(self.leases_of_nodes())
    }
}

fn outcome(answer: TxnResponse) -> Outcome {
    let revision = answer.header.unwrap_or_default().revision;
    let mut outcome = Outcome {
        done: answer.succeeded,
        revision: u64::try_from(revision).unwrap_or(0),
        read: Vec::new(),
        deleted: 0,
    };
    for response in answer
        .responses
        .into_iter()
        .filter_map(|each| each.response)
    {
        match response {
            Response::ResponseRange(range) => {
                let first = range.kvs.into_iter().next();
                outcome.read.push(first.map(|kv| kv.value));
            }
            Response::ResponseDeleteRange(deleted) => {
                outcome.deleted += u64::try_from(deleted.deleted).unwrap_or(0);
            }
            Response::ResponsePut(_) => {}
        }
    }
    outcome
}
