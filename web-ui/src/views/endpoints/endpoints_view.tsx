// Endpoints of all nodes: who they are, what is enforced on them, and why one is not ready.
import { useMemo, useState } from 'react';
import { EndpointState } from '../../gen/tycho/v1/endpoints_pb';
import { missingNodes, useAnswer } from '../../show/answers';
import { Missing } from '../../show/missing';
import { EmptyState, FailureNotice } from '../../show/notice';
import { agoText, exactText } from '../../show/numbers';
import { pickLabel, pickNode, type Pick } from '../../show/pick';
import { PolicyLink, policyKey } from '../../show/policy_link';
import { DataTable, type Column } from '../../show/table';
import { useNow } from '../../show/use_now';
import { Value } from '../../show/value';
import { dashboard } from '../../wire/client';
import { ENFORCEMENT_WORDS, endpointMatches, endpointRows, STATE_WORDS, type EndpointRow } from './endpoint_rows';

const ask = (signal: AbortSignal) => dashboard().getAllEndpoints({}, { signal });
const keyOf = (row: EndpointRow) => row.key;

function pickEndpoint({ name, endpoint }: EndpointRow): Pick {
  return {
    text: name,
    choices: [
      { name: 'either end', flag: 'pod', value: name },
      { name: 'its identity', flag: 'identity', value: String(endpoint.identity) },
    ],
  };
}

function columnsOf(now: number): Column<EndpointRow>[] {
  return [
    {
      key: 'name',
      name: 'Endpoint',
      sortBy: (row) => row.name,
      cell: (row) => <Value pick={pickEndpoint(row)} />,
    },
    {
      key: 'state',
      name: 'State',
      sortBy: ({ endpoint }) => STATE_WORDS[endpoint.state],
      cell: ({ endpoint }) => (
        <span className={endpoint.state === EndpointState.READY ? '' : 'said said-bad'} title={endpoint.stateReason}>
          {STATE_WORDS[endpoint.state]}
          {endpoint.stateReason && `: ${endpoint.stateReason}`}
        </span>
      ),
    },
    {
      key: 'identity',
      name: 'Identity',
      number: true,
      sortBy: ({ endpoint }) => endpoint.identity,
      cell: ({ endpoint }) => (
        <Value
          pick={{
            text: String(endpoint.identity),
            choices: [{ name: 'either end', flag: 'identity', value: String(endpoint.identity) }],
          }}
        />
      ),
    },
    {
      key: 'ip',
      name: 'Addresses',
      sortBy: ({ endpoint }) => endpoint.ipv4[0] ?? endpoint.ipv6[0] ?? '',
      cell: ({ endpoint }) => <span className="mono">{[...endpoint.ipv4, ...endpoint.ipv6].join(' ')}</span>,
    },
    {
      key: 'ingress',
      name: 'Ingress',
      sortBy: ({ endpoint }) => ENFORCEMENT_WORDS[endpoint.ingress],
      cell: ({ endpoint }) => ENFORCEMENT_WORDS[endpoint.ingress],
    },
    {
      key: 'egress',
      name: 'Egress',
      sortBy: ({ endpoint }) => ENFORCEMENT_WORDS[endpoint.egress],
      cell: ({ endpoint }) => ENFORCEMENT_WORDS[endpoint.egress],
    },
    {
      key: 'policies',
      name: 'Policies',
      number: true,
      sortBy: ({ endpoint }) => endpoint.policies.length,
      cell: ({ endpoint }) => exactText(endpoint.policies.length),
    },
    {
      key: 'node',
      name: 'Node',
      sortBy: (row) => row.node,
      cell: (row) => <Value pick={pickNode(row.node, row.node.slice(row.node.indexOf('/') + 1))} />,
    },
    {
      key: 'since',
      name: 'Since',
      number: true,
      sortBy: ({ endpoint }) => Number(endpoint.stateSince?.seconds ?? 0n),
      cell: ({ endpoint }) => (endpoint.stateSince ? agoText(Number(endpoint.stateSince.seconds) * 1000, now) : '–'),
    },
  ];
}

function Detail({ row: { endpoint } }: { row: EndpointRow }) {
  return (
    <div className="side-by-side">
      <div>
        <h3>Labels</h3>
        <ul className="rule-list">
          {endpoint.labels.map((label) => (
            <li key={label}>
              <Value pick={pickLabel(label.replace(/=$/, ''))} className="mono" />
            </li>
          ))}
        </ul>
      </div>
      <div>
        <h3>Policies that select it</h3>
        <ul className="rule-list">
          {endpoint.policies.map((name) => (
            <li key={policyKey(name)}>
              <PolicyLink policy={name}>{policyKey(name)} ›</PolicyLink>
            </li>
          ))}
          {endpoint.policies.length === 0 && <li className="faint">None: everything passes.</li>}
        </ul>
        <p className="faint">
          {endpoint.workload && `${endpoint.workload} · `}
          {endpoint.interface ? `interface ${endpoint.interface}` : 'no interface'} · mode {endpoint.mode} ·{' '}
          {endpoint.source}
        </p>
      </div>
    </div>
  );
}

export function EndpointsView() {
  const [{ value, failure }, again] = useAnswer(ask);
  const [part, setPart] = useState('');
  const now = useNow();
  const all = useMemo(() => (value ? endpointRows(value) : []), [value]);
  const rows = useMemo(() => (part === '' ? all : all.filter((row) => endpointMatches(row, part))), [all, part]);
  const columns = useMemo(() => columnsOf(now), [now]);
  if (!value) {
    return failure ? (
      <FailureNotice what="The endpoints could not be asked for" failure={failure} retry={again} />
    ) : (
      <EmptyState title="Asking the nodes …" />
    );
  }
  const waiting = all.filter(({ endpoint }) => endpoint.state !== EndpointState.READY).length;
  return (
    <>
      {failure && <FailureNotice what="What is shown is old" failure={failure} retry={again} />}
      <Missing nodes={missingNodes(value.nodeStatus)} />
      <div className="view-bar">
        <input
          type="search"
          className="plain-button"
          placeholder="Name, label, address, node"
          aria-label="Find endpoints"
          value={part}
          onChange={(event) => setPart(event.target.value)}
        />
        <span className="faint">
          {exactText(rows.length)} of {exactText(all.length)} endpoints
          {waiting > 0 && `; ${exactText(waiting)} not ready`}. They are as of now, whatever the time range and filter.
        </span>
      </div>
      <DataTable
        label="Endpoints"
        testId="endpoints"
        rows={rows}
        columns={columns}
        rowKey={keyOf}
        usualSort="name"
        detail={(row) => <Detail row={row} />}
        empty={
          <EmptyState title={all.length === 0 ? 'No node has an endpoint' : 'No endpoint matches'}>
            {all.length === 0
              ? 'Write one into the endpoint file of an observer, or use tycho endpoint add.'
              : 'Look for a shorter part.'}
          </EmptyState>
        }
      />
    </>
  );
}
