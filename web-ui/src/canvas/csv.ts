// Tables as CSV (RFC 4180), for spreadsheets and scripts.

export function csvText(rows: Iterable<readonly (string | number)[]>): string {
  let text = '';
  for (const row of rows) {
    text += `${row.map(field).join(',')}\r\n`;
  }
  return text;
}

function field(value: string | number): string {
  if (typeof value === 'number') {
    return String(value);
  }
  // A spreadsheet would run what begins like a formula; names come from clusters, so they are not trusted.
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Lets the browser save a text as a file. */
export function saveText(name: string, text: string, type = 'text/csv'): void {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
