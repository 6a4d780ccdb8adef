// How the page is built and served while it is worked on.
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const relay = process.env.TYCHO_PAGE ?? 'http://127.0.0.1:12000';

// The relay fills these in on each request; `npm run dev` has no relay in front.
function placeholders(): Plugin {
  return {
    name: 'placeholders',
    apply: 'serve',
    transformIndexHtml: {
      order: 'post',
      handler: (html) => html.replaceAll('__NONCE__', 'development').replaceAll('__BASE__', '/'),
    },
  };
}

export default defineConfig({
  base: './',
  html: { cspNonce: '__NONCE__' },
  plugins: [react(), placeholders()],
  build: {
    // Cargo watches dist, which is always there: see relay/build.rs.
    outDir: 'dist/page',
    target: 'es2023',
    modulePreload: { polyfill: false },
    // Inlined assets would be data: URLs, which the page's policy refuses.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            { name: 'rpc', test: /node_modules[\\/](@bufbuild|@connectrpc)[\\/]/ },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  server: {
    proxy: { '^/tycho\\.v1\\..*': { target: relay, changeOrigin: true } },
  },
});
