// The page's entry: finds the root element and draws the shell into it.
import { createRoot } from 'react-dom/client';

createRoot(document.getElementById('root')!).render(<p>Tycho</p>);
