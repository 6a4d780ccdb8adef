// What the main thread of a page does, task by task, from a trace of the browser.

/** Tells the page's thread from those of the browser's own pages. */
const MARK = 'tycho-traced';

/** The tasks while `work` runs: microseconds by the clock (`dur`) and of the processor (`tdur`). */
export async function mainThreadTasks(page, work) {
  const session = await page.context().newCDPSession(page);
  const events = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'blink.user_timing'] },
  });
  await work();
  await page.evaluate((mark) => performance.mark(mark), MARK);
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await complete;
  const { pid, tid } = events.find(({ name }) => name === MARK);
  const ofPage = events.filter((event) => event.pid === pid && event.tid === tid);
  return ofPage.filter(({ name, tdur }) => name.endsWith('RunTask') && tdur);
}
