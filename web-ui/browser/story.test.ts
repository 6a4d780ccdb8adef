// An engineer on call who has never seen the page: why does `intruder` not reach `db`, which rule says so, since when? And a
// colleague gets the link.
import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goOn, PAGE, sleep } from './cluster/cluster';
import { Tab } from './tab/tab';

const POLICIES = '/run/tycho/demo/policies';
const RULE = 'CiliumNetworkPolicy/shop/db ingressDeny[0]';

let tab: Tab;

beforeAll(async () => {
  goOn();
  tab = await Tab.open();
});

afterAll(async () => {
  await tab.close();
});

test('why intruder cannot reach db, by which rule, and since when', async () => {
  const { page } = tab;
  await tab.goto(PAGE);
  // The first page says that something is dropped, and why.
  await expect.poll(() => page.getByTestId('dropped').innerText()).toMatch(/[1-9][0-9]* connections/);
  await page.getByTestId('top-reasons').getByText(RULE).waitFor();
  await page.getByRole('button', { name: 'Open the edge from shop/intruder to shop/db' }).first().click();
  const panel = page.getByRole('complementary', { name: 'Edge' });
  await panel.getByText('dropped').first().waitFor();
  const said = await panel.innerText();
  expect(said).toContain('POLICY_DENY');
  expect(said).toContain(RULE);
  expect(said).toContain('demo-node-c');
  expect(said).toMatch(/[Ff]irst seen [0-9]/);
  expect(new URL(tab.address()).searchParams.get('to')).toContain('db');
  tab.assertClean(PAGE);

  // The colleague sees the same from the same address.
  const colleague = await Tab.open({ width: 390, height: 844 });
  try {
    await colleague.goto(tab.address());
    const theirs = colleague.page.getByRole('complementary', { name: 'Edge' });
    await theirs.getByText(RULE).first().waitFor();
    expect(await theirs.innerText()).toContain('POLICY_DENY');
    colleague.assertClean(PAGE);
  } finally {
    await colleague.close();
  }
});

test('the policy of the rule, as it was written', async () => {
  const { page } = tab;
  const panel = page.getByRole('complementary', { name: 'Edge' });
  await panel.getByRole('button', { name: 'show its policy' }).first().click();
  const text = panel.getByLabel(/^Text of .*shop\/db/);
  await expect.poll(() => text.first().innerText()).toContain('ingressDeny:');
  const shown = await text.first().innerText();
  const file = readdirSync(POLICIES).find((name) => name.startsWith('db'));
  const written = readFileSync(`${POLICIES}/${file}`, 'utf8');
  for (const line of written.split('\n').filter((one) => /^\s*-? ?(role|port|name):/.test(one))) {
    expect(shown).toContain(line.trim());
  }
  tab.assertClean(PAGE);
});

test('one flow of it: both ends, the verdict and the rule', async () => {
  const { page } = tab;
  await tab.goto(
    `${PAGE}?view=flows&filter=${encodeURIComponent('--from-pod shop/intruder --to-pod shop/db --verdict DROPPED')}`,
  );
  await page
    .getByTestId('flow-row')
    .first()
    .getByRole('button', { name: /^Details/ })
    .click();
  await expect.poll(() => new URL(tab.address()).searchParams.get('flow')).toMatch(/@default\/demo-node-c$/);
  await sleep(1_000);
  const detail = await page.getByRole('complementary').innerText();
  for (const part of ['role=intruder', 'role=db', 'ingressDeny']) expect(detail).toContain(part);
  tab.assertClean(PAGE);
});
