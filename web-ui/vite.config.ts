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

// What src/main.ts loads piece by piece is all needed: the browser is to fetch it at once.
function firstView(): Plugin {
  return {
    name: 'first-view',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler: (html, { bundle, chunk }) => {
        const scripts = new Set<string>();
        const styles = new Set<string>();
        const need = (file: string) => {
          const one = bundle?.[file];
          if (one?.type !== 'chunk' || scripts.has(file)) return;
          scripts.add(file);
          for (const style of one.viteMetadata?.importedCss ?? []) styles.add(style);
          one.imports.forEach(need);
        };
        chunk?.dynamicImports.forEach(need);
        const link = (file: string, rel: string) => ({
          tag: 'link',
          attrs: { rel, href: `./${file}`, crossorigin: true, nonce: '__NONCE__' },
          injectTo: 'head' as const,
        });
        const isNew = (file: string) => !html.includes(file);
        return [
          ...[...scripts].filter(isNew).map((file) => link(file, 'modulepreload')),
          ...[...styles].filter(isNew).map((file) => link(file, 'stylesheet')),
        ];
      },
    },
  };
}

export default defineConfig({
  base: './',
  html: { cspNonce: '__NONCE__' },
  plugins: [react(), placeholders(), firstView()],
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
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/, priority: 3 },
            {
              name: 'descriptors',
              test: /@bufbuild[\\/]protobuf[\\/].*[\\/]descriptor_pb\.js$/,
              priority: 4,
            },
            { name: 'rpc', test: /node_modules[\\/](@bufbuild|@connectrpc)[\\/]/, priority: 3 },
            // As src/main.ts loads them; with each what it needs.
            { name: 'flow', test: /src[\\/]gen[\\/]flow[\\/]/, priority: 2 },
            { name: 'messages', test: /src[\\/]gen[\\/]/, priority: 1 },
            {
              name: 'begin',
              test: /vite[\\/]preload-helper|src[\\/](shell[\\/]theme|wire[\\/]gently)\.ts$/,
              priority: 4,
            },
            { name: 'page', test: /src[\\/]shell[\\/]start\.tsx$/ },
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
