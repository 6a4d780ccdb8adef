// A link shows another person the same; back and forward go where one was; pause stops what is seen and counts what comes.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PAGE } from './cluster/cluster';
import { address } from './tab/places';
import { Tab } from './tab/tab';

let tab: Tab;

beforeAll(async () => {
  tab = await Tab.open();
});

afterAll(async () => {
  await tab.close();
});

const heading = () => tab.page.locator('main').getAttribute('aria-label');
const query = (name: string) => new URL(tab.address()).searchParams.get(name);

test('back and forward', async () => {
  const { page } = tab;
  await tab.goto(PAGE);
  expect(await heading()).toBe('Overview');
  await page.getByRole('navigation', { name: 'Views' }).getByText('Matrix').click();
  await expect.poll(heading).toBe('Matrix');
  await page.getByTestId('drops-only').click();
  await expect.poll(() => query('filter')).toBe('--verdict DROPPED');
  await page.getByTestId('range-5min').click();
  await expect.poll(() => query('range')).toBe('5m');
  await page.goBack();
  await expect.poll(() => query('range')).toBeNull();
  expect(await page.getByTestId('drops-only').getAttribute('aria-pressed')).toBe('true');
  await page.goBack();
  await expect.poll(() => page.getByTestId('drops-only').getAttribute('aria-pressed')).toBe('false');
  await page.goBack();
  await expect.poll(heading).toBe('Overview');
  await page.goForward();
  await page.goForward();
  await page.goForward();
  await expect.poll(heading).toBe('Matrix');
  expect(query('range')).toBe('5m');
  expect(query('filter')).toBe('--verdict DROPPED');
  tab.assertClean(PAGE);
});

test('a link reproduces the view in another browser', async () => {
  const link = address(PAGE, {
    view: 'map',
    filter: '--verdict DROPPED --not --protocol icmp',
    range: '5m',
    by: 'workload',
    measure: 'bytes',
    table: 'yes',
  });
  await tab.goto(link);
  const shown = async (one: Tab) => ({
    view: await one.page.locator('main').getAttribute('aria-label'),
    chips: await one.page.getByTestId('chip').allInnerTexts(),
    range: await one.page.getByTestId('range-5min').getAttribute('aria-pressed'),
    by: await one.page.getByLabel('Group by').inputValue(),
    table: await one.page.getByRole('button', { name: 'As table' }).getAttribute('aria-pressed'),
  });
  await tab.page.getByLabel('Group by').waitFor();
  const here = await shown(tab);
  expect(here.view).toBe('Map');
  expect(here.chips.length).toBe(2);
  expect(here.range).toBe('true');
  const other = await Tab.open();
  try {
    await other.goto(tab.address());
    await other.page.getByLabel('Group by').waitFor();
    expect(await shown(other)).toEqual(here);
    other.assertClean(PAGE);
  } finally {
    await other.close();
  }
});

test('pause stops what is seen, and says how much came', async () => {
  const { page } = tab;
  await tab.goto(PAGE);
  const pause = page.getByTestId('pause');
  const total = () => page.getByTestId('connections').innerText();
  await page.getByTestId('connections').waitFor();
  await pause.click();
  await expect.poll(() => pause.getAttribute('aria-pressed')).toBe('true');
  const before = await total();
  await expect.poll(() => pause.innerText()).toMatch(/([3-9]|\d\d) s behind/);
  expect(await total()).toBe(before);
  await pause.click();
  await expect.poll(total).not.toBe(before);
  tab.assertClean(PAGE);
});
