// Wherever a rule is shown, it leads to its policy: as an address of its own, and back again.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goOn, PAGE } from './cluster/cluster';
import { address } from './tab/places';
import { Tab } from './tab/tab';

const POLICY = 'CiliumNetworkPolicy/shop/db';
const INTRUDER = '--from-pod shop/intruder --to-pod shop/db --verdict DROPPED';

let tab: Tab;

beforeAll(async () => {
  goOn();
  tab = await Tab.open();
});

afterAll(async () => {
  await tab.close();
});

const heading = (one: Tab) => one.page.locator('main').getAttribute('aria-label');

/** The policy is open, with its rules and its text. */
async function expectPolicy(one: Tab): Promise<void> {
  await expect.poll(() => heading(one)).toBe('Policies');
  await expect.poll(() => one.page.getByTestId('policies').innerText()).toContain('ingressDeny:');
  expect(await one.page.getByTestId('policy-rule').first().innerText()).toMatch(/^ingressDeny\[0\]/);
  expect(new URL(one.address()).searchParams.get('policy')).toBe(POLICY);
}

test.each<[string, string, Record<string, string>]>([
  ['the overview', 'Overview', {}],
  ['the drops', 'Drops', { view: 'drops' }],
  ['the edge panel', 'Matrix', { view: 'matrix', by: 'label:role', from: 'lb:intruder', to: 'lb:db' }],
  ['the focus', 'Focus', { view: 'focus', by: 'label:role', focus: 'lb:intruder' }],
  ['the flow panel', 'Flows', { view: 'flows', filter: `${INTRUDER} --type policy-verdict` }],
  ['an endpoint', 'Endpoints', { view: 'endpoints' }],
])('from %s and back', async (_, view, query) => {
  const { page } = tab;
  await tab.goto(address(PAGE, { range: '5m', ...query }));
  if (view === 'Flows')
    await page
      .getByTestId('flow-row')
      .first()
      .getByRole('button', { name: /^Details/ })
      .click();
  if (view === 'Endpoints') {
    await page.getByRole('row', { name: 'shop/db' }).getByRole('button', { name: 'More' }).click();
  }
  await page
    .getByRole('link', { name: `Open ${POLICY} in Policies` })
    .first()
    .click();
  await expectPolicy(tab);
  await page.goBack();
  await expect.poll(() => heading(tab)).toBe(view);
  expect(new URL(tab.address()).searchParams.get('policy')).toBeNull();
  tab.assertClean(PAGE);
});

test('the address alone leads there, also on a phone, and closing it leaves the table', async () => {
  const { page } = tab;
  await page.setViewportSize({ width: 390, height: 844 });
  await tab.goto(address(PAGE, { view: 'policies', policy: POLICY }));
  await expectPolicy(tab);
  await page.getByTestId('policies').getByRole('button', { name: 'Less' }).click();
  await expect.poll(() => new URL(tab.address()).searchParams.get('policy')).toBeNull();
  await expect(page.getByTestId('policy-rule').count()).resolves.toBe(0);
  tab.assertClean(PAGE);
});

test('a policy that is gone is said to be', async () => {
  await tab.goto(address(PAGE, { view: 'policies', policy: 'NetworkPolicy/shop/gone' }));
  await tab.page.getByText('No node has NetworkPolicy/shop/gone').waitFor();
  tab.assertClean(PAGE);
});
