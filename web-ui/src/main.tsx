// The page's entry. What describes the messages takes long to set up: it is done in pieces, before the page begins.
import './show/theme.css';
import { startTheme } from './shell/theme';
import { nextTask } from './wire/gently';

startTheme();
for (const piece of [
  () => import('./wire/descriptors'),
  () => import('./gen/flow/flow_pb'),
  () => import('./gen/tycho/v1/dashboard_pb'),
  () => import('./shell/start'),
]) {
  await piece();
  await nextTask();
}
