// What is exported reads back as it was, and runs nothing.
import { expect, test } from 'vitest';
import { csvText } from './csv';

test.each([
  [['a', 1, 2.5], 'a,1,2.5\r\n'],
  [['a,b', 'say "no"'], '"a,b","say ""no"""\r\n'],
  [['two\nlines', ''], '"two\nlines",\r\n'],
  [['=1+1', '-x', '@y'], "'=1+1,'-x,'@y\r\n"],
  [[-4], '-4\r\n'],
])('%j', (row, text) => {
  expect(csvText([row])).toBe(text);
});
