// The rows in view, and only those: five thousand flows cost what thirty do.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState, type PointerEvent, type RefObject } from 'react';
import type { GetFlowsResponse } from '../../gen/tycho/v1/flows_pb';
import { referenceOf } from '../../model/flow_tail';
import { usePlace } from '../../place/use_place';
import { FlowRow } from './flow_row';

const COLUMNS = ['Time', 'Node', 'Source', '', 'Destination', 'Type', 'Verdict', 'Summary'];
/** Below this width a row has three lines, as flows.css has it. */
const NARROW = 760;

interface Props {
  readonly rows: readonly GetFlowsResponse[];
  /** The reader looks at rows: they must not move away under the pointer. */
  readonly hold: (held: boolean) => void;
  readonly reachedEnd: () => void;
  readonly scroller: RefObject<HTMLDivElement | null>;
}

export function FlowTable({ rows, hold, reachedEnd, scroller }: Props) {
  const [place, go] = usePlace();
  const hovered = useRef(false);
  const [narrow, setNarrow] = useState(false);
  const height = narrow ? 72 : 29;
  // eslint-disable-next-line react-hooks/incompatible-library -- rows are plain values; nothing of it is memoized here.
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => referenceOf(rows[index]!) || index,
    overscan: 8,
  });
  useEffect(() => {
    const element = scroller.current!;
    const size = new ResizeObserver(() => setNarrow(element.clientWidth < NARROW));
    size.observe(element);
    return () => size.disconnect();
  }, [scroller]);
  useEffect(() => virtual.measure(), [height, virtual]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - 10) reachedEnd();
  }, [last, rows.length, reachedEnd]);

  const holdNow = () => hold(hovered.current || (scroller.current?.scrollTop ?? 0) > 4);
  const enter = (event: PointerEvent) => {
    // A finger leaves no pointer behind that could rest on a row.
    hovered.current = event.pointerType === 'mouse';
    holdNow();
  };
  return (
    <div
      className="flow-table"
      role="table"
      aria-label="Flows, newest first"
      aria-rowcount={rows.length + 1}
      data-testid="flow-table"
    >
      <div className="flow-row flow-head" role="row" aria-rowindex={1}>
        {COLUMNS.map((name) => (
          <span key={name} role={name === '' ? 'presentation' : 'columnheader'}>
            {name}
          </span>
        ))}
      </div>
      <div
        ref={scroller}
        className="flow-scroll"
        role="rowgroup"
        tabIndex={0}
        aria-label="Rows"
        onScroll={holdNow}
        onPointerEnter={enter}
        onPointerLeave={() => {
          hovered.current = false;
          holdNow();
        }}
      >
        <div className="flow-space" role="presentation" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const response = rows[item.index]!;
            const uuid = referenceOf(response);
            const open = () => uuid && go({ flow: { uuid, node: response.nodeName }, edge: undefined });
            return (
              <div
                key={item.key}
                className={place.flow?.uuid === uuid && uuid !== '' ? 'flow-row flow-chosen' : 'flow-row'}
                role="row"
                aria-rowindex={item.index + 2}
                data-testid="flow-row"
                style={{ height, transform: `translateY(${item.start}px)` }}
                onClick={open}
              >
                <FlowRow response={response} open={open} />
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
