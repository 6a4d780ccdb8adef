// Begins: the model, and the shell.
import { createRoot } from 'react-dom/client';
import { startApp } from './app';
import { Shell } from './shell';

export function start(): void {
  startApp();
  createRoot(document.getElementById('root')!).render(<Shell />);
}
