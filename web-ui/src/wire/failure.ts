// A failed call in words, with what can be done next.
import { Code, ConnectError } from '@connectrpc/connect';

export interface Failure {
  readonly text: string;
  /** What to do; a sentence. */
  readonly next: string;
  /** Trying the same again can help. */
  readonly passing: boolean;
}

export function failureOf(error: unknown): Failure {
  const failed = ConnectError.from(error);
  const text = failed.rawMessage || failed.message;
  switch (failed.code) {
    case Code.InvalidArgument:
      return { text, next: 'Change the filter or the time range.', passing: false };
    case Code.Unimplemented:
      return {
        text,
        next: 'This server cannot do that. Ask a relay, of the same version as this page.',
        passing: false,
      };
    case Code.NotFound:
      return {
        text,
        next: 'It is no longer held. `tycho observe` on its node, or a newer one, can still help.',
        passing: false,
      };
    case Code.OutOfRange:
    case Code.FailedPrecondition:
      return { text, next: 'Choose a later time range.', passing: false };
    case Code.PermissionDenied:
    case Code.Unauthenticated:
      return { text, next: 'Load the page again, or ask who runs this server for access.', passing: false };
    case Code.ResourceExhausted:
      return { text, next: 'Narrow the filter or close other tabs of this page.', passing: true };
    case Code.DeadlineExceeded:
    case Code.Unavailable:
      return { text, next: 'It is tried again. `tycho status` in a terminal says how the server is.', passing: true };
    default:
      return {
        text: text || 'the server cannot be reached',
        next: 'It is tried again. Is the relay running, and is this address reachable?',
        passing: true,
      };
  }
}
