// Measures a row of the page over a relay: node browser/measure.mjs ADDRESS ROW. Prints JSON objects.
import { fresh, print } from './fresh.mjs';
import { mainThreadTasks } from './tasks.mjs';

const [address, row] = process.argv.slice(2);
const ROUNDS = 5;
const VIEWS = ['Overview', 'Matrix', 'Map', 'Drops', 'Flows'];

/** Until the overview has numbers in it. */
async function firstPicture(page) {
  await page.addInitScript(() => {
    const looking = setInterval(() => {
      if (!document.querySelector('[data-testid=connections] strong')) return;
      clearInterval(looking);
      window.pictureAtMs = performance.now();
    }, 5);
  });
  await page.goto(address);
  return (await page.waitForFunction(() => window.pictureAtMs)).jsonValue();
}

/** What came over the wire for it, scripts and styles compressed. */
async function firstBytes(page) {
  await firstPicture(page);
  return page.evaluate(() => {
    const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    return entries.reduce((sum, entry) => sum + (entry.encodedBodySize ?? 0), 0) / 1000;
  });
}

/** Walks through the views. */
async function changeViews(page) {
  await firstPicture(page);
  for (const view of VIEWS) {
    await page.getByRole('navigation', { name: 'Views' }).getByText(view, { exact: true }).click();
    await page.waitForTimeout(4_000);
  }
}

/**
 * The longest task of the main thread meanwhile. By the processor's time it is the page's own; by the clock it also waits
 * for the nodes, the relay and the browser's other processes on the same machine.
 */
async function longestTask() {
  const visits = [];
  for (let round = 0; round < ROUNDS; round++) {
    visits.push(
      await fresh(async (page) => {
        const tasks = await mainThreadTasks(page, () => changeViews(page));
        return {
          processor: Math.max(...tasks.map((task) => task.tdur)) / 1000,
          clock: Math.max(...tasks.map((task) => task.dur)) / 1000,
        };
      }),
    );
  }
  print(`${row}/processor`, Math.max(...visits.map((visit) => visit.processor)), 'ms');
  print(`${row}/clock`, Math.max(...visits.map((visit) => visit.clock)), 'ms');
}

/** Where the pointer works in a view of a canvas. */
const CANVASES = { map: 'canvas.map', matrix: '.scroller' };
/** Until the first windows have come and the layout is at rest. */
const WARM_MS = 4_000;

/** In the page: frames in a second while somebody moves about in a canvas. */
function framesPerSecond(selector) {
  const place = document.querySelector(selector);
  const { left, top, width, height } = place.getBoundingClientRect();
  const point = (phase, part) => ({
    clientX: left + width * (0.5 + part * Math.cos(phase)),
    clientY: top + height * (0.5 + part * Math.sin(phase)),
    bubbles: true,
    cancelable: true,
  });
  const move = (count) => {
    const over = point(count / 20, 0.2);
    place.dispatchEvent(new PointerEvent('pointermove', over));
    place.dispatchEvent(new MouseEvent('mousemove', over));
    if (place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight) {
      // Through all of it.
      const [x, y] = [place.scrollWidth - place.clientWidth, place.scrollHeight - place.clientHeight];
      place.scrollTo((x * (1 + Math.sin(count / 40))) / 2, (y * (1 + Math.cos(count / 55))) / 2);
    } else {
      // In and out.
      place.dispatchEvent(new WheelEvent('wheel', { ...over, deltaY: Math.sin(count / 60) * 40 }));
    }
  };
  return new Promise((done) => {
    let [frames, begunMs] = [0, 0];
    const frame = (nowMs) => {
      begunMs ||= nowMs;
      move((frames += 1));
      if (nowMs - begunMs < 10_000) requestAnimationFrame(frame);
      else done(((frames - 1) * 1000) / (nowMs - begunMs));
    };
    requestAnimationFrame(frame);
  });
}

/** Map and matrix as they are in the page, with all that is around them. */
async function frames(row) {
  for (const [view, selector] of Object.entries(CANVASES)) {
    const value = await fresh(async (page) => {
      await page.goto(`${address}?view=${view}`);
      await page.locator(selector).waitFor();
      await page.waitForTimeout(WARM_MS);
      return page.evaluate(framesPerSecond, selector);
    });
    print(`${row}/${view}`, value, 'frames/s');
  }
}

async function median(work) {
  const values = [];
  for (let round = 0; round < ROUNDS; round++) values.push(await fresh(work));
  return middle(values);
}

function middle(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function one(value, unit) {
  print(row, await value, unit);
}

const MEASURES = {
  'page-first-picture': () => one(median(firstPicture), 'ms'),
  'page-first-bytes': () => one(fresh(firstBytes), 'kB'),
  'page-longest-task': longestTask,
  'page-frames-2000': () => frames(row),
  'page-frames-10000': () => frames(row),
};
await MEASURES[row]();
