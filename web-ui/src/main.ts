// The page's entry. What takes long to set up is set up piece by piece, each in a task of its own, before the page begins.
import './show/theme.css';
import { startTheme } from './shell/theme';
import { nextTask } from './wire/gently';

startTheme();
for (const piece of [
  () => import('./wire/descriptors'),
  () => import('./gen/flow/flow_pb'),
  () => import('./gen/tycho/v1/dashboard_pb'),
  () => import('react-dom/client'),
]) {
  await piece();
  await nextTask();
}
const { start } = await import('./shell/start');
await nextTask();
start();
await nextTask();
// The first collator takes long, and tables want one.
new Intl.Collator();
