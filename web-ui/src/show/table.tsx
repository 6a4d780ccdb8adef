// A table that is sorted by any column and says how much of it is shown.
import './table.css';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { usePlace } from '../place/use_place';
import { exactText } from './numbers';
import { topOf } from './top';
import { useGrowing } from './use_growing';

export interface Column<Row> {
  readonly key: string;
  readonly name: string;
  /** Right-aligned, and sorted with the largest first. */
  readonly number?: boolean;
  readonly sortBy: (row: Row) => number | string;
  readonly cell: (row: Row) => ReactNode;
}

interface Props<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly rowKey: (row: Row) => string;
  /** `-rate`, if the place says nothing. */
  readonly usualSort: string;
  readonly empty: ReactNode;
  readonly testId?: string;
  readonly detail?: (row: Row) => ReactNode;
  /** The row that shows its detail, if the address says which; else the table keeps it. */
  readonly open?: { readonly key: string; readonly change: (key: string) => void };
}

const STEP = 50;

const order = new Intl.Collator('en', { numeric: true }).compare;

function compare(a: number | string, b: number | string): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : order(String(a), String(b));
}

export function DataTable<Row>({ label, rows, columns, rowKey, usualSort, empty, testId, detail, open }: Props<Row>) {
  const [place, go] = usePlace();
  const [most, setMost] = useState(STEP);
  const [kept, keep] = useState('');
  const openKey = open?.key ?? kept;
  const setOpenKey = open?.change ?? keep;
  const growing = useGrowing(most);
  // A row that a link leads to is to stay where it is.
  const drawn = openKey === '' ? growing : most;
  const known = columns.some((column) => column.key === place.sort.replace(/^-/, ''));
  const sort = known ? place.sort : usualSort;
  const falling = sort.startsWith('-');
  const by = columns.find((column) => column.key === sort.replace(/^-/, '')) ?? columns[0]!;
  const shown = useMemo(() => {
    const sign = falling ? -1 : 1;
    const top = topOf(rows, drawn, (a, b) => sign * compare(by.sortBy(a), by.sortBy(b)) || order(rowKey(a), rowKey(b)));
    // A link may lead to one that is not among the first.
    const opened = openKey === '' ? undefined : rows.find((row) => rowKey(row) === openKey);
    return opened && !top.includes(opened) ? [opened, ...top] : top;
  }, [rows, drawn, by, falling, rowKey, openKey]);
  if (rows.length === 0) return <>{empty}</>;
  return (
    <div className="data-table" data-testid={testId}>
      <div className="data-table-scroll" tabIndex={0} role="region" aria-label={label}>
        <table>
          <caption className="for-readers">{label}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <th
                  key={column.key}
                  scope="col"
                  className={column.number ? 'number' : ''}
                  aria-sort={column === by ? (falling ? 'descending' : 'ascending') : 'none'}
                >
                  <button
                    type="button"
                    onClick={() => {
                      const first = column.number ? `-${column.key}` : column.key;
                      const other = column.number ? column.key : `-${column.key}`;
                      go({ sort: sort === first ? other : first }, { replace: true });
                    }}
                  >
                    {column.name}
                    <span aria-hidden="true">{column === by ? (falling ? ' ↓' : ' ↑') : ''}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <Row
                key={rowKey(row)}
                row={row}
                columns={columns}
                open={rowKey(row) === openKey}
                detail={detail}
                toggle={() => setOpenKey(rowKey(row) === openKey ? '' : rowKey(row))}
              />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > STEP && (
        <p className="faint data-table-more">
          Top {exactText(shown.length)} of {exactText(rows.length)} by {by.name.toLowerCase()}.{' '}
          {shown.length < rows.length && (
            <button type="button" className="link-button" onClick={() => setMost(most + STEP)}>
              Show {exactText(Math.min(STEP, rows.length - shown.length))} more
            </button>
          )}
        </p>
      )}
    </div>
  );
}

interface RowProps<Row> {
  readonly row: Row;
  readonly columns: readonly Column<Row>[];
  readonly open: boolean;
  readonly toggle: () => void;
  readonly detail: ((row: Row) => ReactNode) | undefined;
}

function Row<Row>({ row, columns, open, toggle, detail }: RowProps<Row>) {
  const opened = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (open) opened.current?.scrollIntoView({ block: 'nearest' });
  }, [open]);
  return (
    <>
      <tr>
        {columns.map((column, place) => (
          <td key={column.key} className={column.number ? 'number' : ''} data-name={column.name}>
            {place === 0 && detail ? (
              <span className="data-table-first">
                <button
                  type="button"
                  className="data-table-toggle"
                  aria-expanded={open}
                  aria-label={open ? 'Less' : 'More'}
                  onClick={toggle}
                >
                  {open ? '▾' : '▸'}
                </button>
                {column.cell(row)}
              </span>
            ) : (
              <span>{column.cell(row)}</span>
            )}
          </td>
        ))}
      </tr>
      {open && detail && (
        <tr ref={opened} className="data-table-opened">
          <td colSpan={columns.length} className="data-table-detail">
            {detail(row)}
          </td>
        </tr>
      )}
    </>
  );
}
