// Keys, and how a filter is written.
import './help_dialog.css';
import { useEffect, useRef } from 'react';
import { FLAGS } from '../filter/flag';
import { KEY_HELP } from './keys';

export function HelpDialog({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="help-dialog"
      aria-label="Help"
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div className="help-dialog-head">
        <h2>Help</h2>
        <button type="button" className="plain-button" onClick={close}>
          Close
        </button>
      </div>
      <div className="help-dialog-parts">
        <section>
          <h3>Keys</h3>
          <table>
            <tbody>
              {KEY_HELP.map(([keys, what]) => (
                <tr key={keys}>
                  <td>
                    <kbd>{keys}</kbd>
                  </td>
                  <td>{what}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <h3>Filter</h3>
          <p>
            Flags as <code>tycho observe</code> has them: paste a whole command. Several values of one flag: any of
            them. Several flags: all of them. <code>--not</code> turns the next one round. Plain words look for names.
          </p>
          <p>Any underlined value on the page can be clicked to include or exclude it.</p>
        </section>
        <section>
          <h3>Flags</h3>
          <table>
            <tbody>
              {FLAGS.map((flag) => (
                <tr key={flag.name}>
                  <td>
                    <code>
                      {flag.short ? `-${flag.short} ` : ''}--{flag.name}
                    </code>
                  </td>
                  <td>{flag.help}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </div>
    </dialog>
  );
}
