// The page's entry: colours, the model, and the shell.
import './show/theme.css';
import { createRoot } from 'react-dom/client';
import { startApp } from './shell/app';
import { Shell } from './shell/shell';
import { startTheme } from './shell/theme';

startTheme();
startApp();
createRoot(document.getElementById('root')!).render(<Shell />);
