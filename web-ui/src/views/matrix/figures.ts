// The figure in a cell, in as many letters as there is room for: never cut, since half a number is another number.

/** From the whole to the shortest that is still true. What is measured stands above the matrix, so the unit goes first. */
export function shortForms(rate: string): string[] {
  const bare = rate.replace(/ ?p?\/s$/, '');
  const small = /^<?0\./.test(bare) ? [bare.replace('0.', '.')] : [];
  return [rate, bare, bare.replace(/ (?=[kMG]?B$)/, ''), ...small].filter((form, at, all) => all.indexOf(form) === at);
}
