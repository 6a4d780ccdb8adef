// Dark or light: as the system has it until the reader says otherwise, and as they said from then on.
import { Store } from '../model/store';

export type Theme = 'dark' | 'light';

const KEY = 'tycho-theme';
const system = window.matchMedia('(prefers-color-scheme: dark)');

function said(): Theme | undefined {
  try {
    const text = localStorage.getItem(KEY);
    return text === 'dark' || text === 'light' ? text : undefined;
  } catch {
    // Storage may be forbidden; then the choice holds for this page.
    return undefined;
  }
}

const now = (): Theme => said() ?? (system.matches ? 'dark' : 'light');

export const themes = new Store<Theme>(now());

function apply(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  themes.set(theme);
}

export function startTheme(): void {
  apply(now());
  system.addEventListener('change', () => apply(now()));
}

export function switchTheme(): void {
  const theme = themes.get() === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // As above.
  }
  apply(theme);
}
