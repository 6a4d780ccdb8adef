// Policies: what their rules decided, which rules nothing uses, and what policies that only audit would have dropped.
import { useMemo } from 'react';
import { usePicture } from '../../model/use_picture';
import { usePlace } from '../../place/use_place';
import { missingNodes, useAnswer } from '../../show/answers';
import { Missing } from '../../show/missing';
import { EmptyState, FailureNotice } from '../../show/notice';
import { agoText, countText, exactText, timeText } from '../../show/numbers';
import { pickRule } from '../../show/pick';
import { DataTable, type Column } from '../../show/table';
import { useNow } from '../../show/use_now';
import { Value } from '../../show/value';
import { VerdictMark } from '../../show/verdict';
import { dashboard } from '../../wire/client';
import { PolicyDetail } from './policy_detail';
import { countedSinceMs, policyRows, problemsOf, type PolicyRow } from './policy_rows';
import { decidedBy, NOTHING, type ByVerdict, type Decided } from './verdicts_by_policy';

const ask = (signal: AbortSignal) => dashboard().getAllPolicies({}, { signal });
const keyOf = (row: PolicyRow) => row.key;

function columnsOf(decided: Decided, now: number): Column<PolicyRow>[] {
  const of = (row: PolicyRow) => decided.policies.get(row.key) ?? NOTHING;
  const verdict = (key: keyof ByVerdict, name: string): Column<PolicyRow> => ({
    key,
    name,
    number: true,
    sortBy: (row) => of(row)[key],
    cell: (row) => (
      <>
        {of(row)[key] > 0 && key !== 'forwarded' && <VerdictMark verdict={key} label={false} />}{' '}
        {countText(of(row)[key])}
      </>
    ),
  });
  return [
    {
      key: 'policy',
      name: 'Policy',
      sortBy: (row) => row.key,
      cell: (row) => (
        <span>
          <Value pick={pickRule(row.namespace ? `${row.namespace}/${row.name}` : row.name)} />{' '}
          {row.audited && <span className="said said-warn">audit only</span>}
          <br />
          <span className="faint">{row.kind}</span>
        </span>
      ),
    },
    {
      key: 'subject',
      name: 'For',
      sortBy: (row) => row.subject,
      cell: (row) => <span className="mono">{row.subject}</span>,
    },
    {
      key: 'deny',
      name: 'Default deny',
      sortBy: (row) => row.defaultDeny,
      cell: (row) => row.defaultDeny || <span className="faint">no</span>,
    },
    {
      key: 'endpoints',
      name: 'Endpoints',
      number: true,
      sortBy: (row) => row.endpoints,
      cell: (row) => exactText(row.endpoints),
    },
    verdict('forwarded', 'Forwarded'),
    verdict('audited', 'Audited'),
    verdict('dropped', 'Dropped'),
    {
      key: 'unused',
      name: 'Unused rules',
      number: true,
      sortBy: (row) => row.unused,
      cell: (row) => (
        <span className={row.unused > 0 ? 'said said-warn' : ''}>
          {exactText(row.unused)} of {exactText(row.rules.length)}
        </span>
      ),
    },
    {
      key: 'packets',
      name: 'Packets',
      number: true,
      sortBy: (row) => row.packets,
      cell: (row) => countText(row.packets),
    },
    {
      key: 'hit',
      name: 'Last hit',
      number: true,
      sortBy: (row) => row.lastHitMs,
      cell: (row) => (row.lastHitMs === 0 ? <span className="faint">never</span> : agoText(row.lastHitMs, now)),
    },
  ];
}

export function PoliciesView() {
  const [answer, again] = useAnswer(ask);
  const picture = usePicture();
  const now = useNow();
  const [place, go] = usePlace();
  const { value, failure } = answer;
  const rows = useMemo(() => (value ? policyRows(value) : []), [value]);
  const decided = useMemo(() => decidedBy(picture), [picture]);
  const columns = useMemo(() => columnsOf(decided, now), [decided, now]);
  if (!value) {
    return failure ? (
      <FailureNotice what="The policies could not be asked for" failure={failure} retry={again} />
    ) : (
      <EmptyState title="Asking the nodes …" />
    );
  }
  const gone = place.policy !== undefined && !rows.some((row) => row.key === place.policy);
  const unused = rows.reduce((sum, row) => sum + row.unused, 0);
  return (
    <>
      {failure && <FailureNotice what="What is shown is old" failure={failure} retry={again} />}
      <Missing nodes={missingNodes(value.nodeStatus)} />
      {problemsOf(value).map((problem) => (
        <p key={problem} className="said said-bad" role="alert">
          Not in force: {problem}
        </p>
      ))}
      {rows.length > 0 && (
        <p className="faint">
          {exactText(rows.length)} policies; {exactText(unused)} rules decided nothing since{' '}
          {timeText(countedSinceMs(value))}. Forwarded, audited and dropped are connections of the chosen time and
          filter; packets are since then.{' '}
          <button type="button" className="link-button" onClick={() => go({ filter: '--verdict AUDIT' })}>
            Show what audits only
          </button>
        </p>
      )}
      {gone && (
        <p className="said said-warn" role="status">
          No node has {place.policy} (any more).
        </p>
      )}
      <DataTable
        label="Policies"
        testId="policies"
        rows={rows}
        columns={columns}
        rowKey={keyOf}
        usualSort="policy"
        open={{ key: place.policy ?? '', change: (key) => go({ policy: key === '' ? undefined : key }) }}
        detail={(row) => <PolicyDetail row={row} decided={decided.rules} />}
        empty={
          <EmptyState title="No node has a policy">
            Everything passes. Put a CiliumNetworkPolicy into the directory that the observers follow, or use{' '}
            <code>tycho policy import</code>.
          </EmptyState>
        }
      />
    </>
  );
}
