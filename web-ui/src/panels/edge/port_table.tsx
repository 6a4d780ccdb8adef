// The traffic of an edge by port.
import type { Rate } from '../../canvas/rate';
import { VERDICTS } from '../../model/series';
import { pickPort } from '../../show/pick';
import { Value } from '../../show/value';
import { VerdictMark } from '../../show/verdict';
import type { PortSums } from './judgements';

const MOST = 12;

export function PortTable({ ports, seconds, rate }: { ports: readonly PortSums[]; seconds: number; rate: Rate }) {
  return (
    <>
      <table>
        <thead>
          <tr>
            <th>Port</th>
            {VERDICTS.map((verdict) => (
              <th key={verdict} className="number">
                <VerdictMark verdict={verdict} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ports.slice(0, MOST).map((port) => (
            <tr key={port.key}>
              <td>
                <Value pick={pickPort(port.port, port.text)} />
              </td>
              {VERDICTS.map((verdict) => (
                <td key={verdict} className="number">
                  {port[verdict] > 0 ? rate(port[verdict] / seconds) : '–'}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {ports.length > MOST ? (
        <p className="canvas-note">
          Top {MOST} of {ports.length} ports.
        </p>
      ) : null}
    </>
  );
}
