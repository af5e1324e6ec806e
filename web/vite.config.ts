import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const { constants } = zlib;
const brotliCompress = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);

/** Smaller files gain nothing. */
const WORTH = 1_024;
const isText = /\.(js|css|html|svg|json)$/;

/** Writes each text beside itself as brotli and gzip, so that the server never has to. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    // Once the files are there: until then other plugins write into them.
    async writeBundle({ dir = 'dist' }, bundle) {
      const compress = async (fileName: string) => {
        const path = join(dir, fileName);
        const source = readFileSync(path);
        if (source.length < WORTH) return;
        // The best quality takes minutes for the editor of GraphiQL, and gains 2 %.
        const quality = source.length > 500_000 ? 9 : 11;
        const params = {
          [constants.BROTLI_PARAM_QUALITY]: quality,
          [constants.BROTLI_PARAM_SIZE_HINT]: source.length,
        };
        writeFileSync(`${path}.br`, await brotliCompress(source, { params }));
        writeFileSync(`${path}.gz`, await gzip(source, { level: 9 }));
      };
      // Pages are small, and the server writes into them.
      const texts = Object.keys(bundle).filter(
        (fileName) => isText.test(fileName) && !fileName.endsWith('.html'),
      );
      await Promise.all(texts.map(compress));
    },
  };
}

/** While developing: the base as the server would write it, and the API of a running server. */
function likeTheServer(): Plugin {
  return {
    name: 'like-the-server',
    apply: 'serve',
    transformIndexHtml(html, { originalUrl }) {
      const depth = (originalUrl ?? '/').split('?')[0]?.split('/').length ?? 2;
      return html.replace('<base href="./"', `<base href="${'../'.repeat(depth - 2) || './'}"`);
    },
  };
}

/** The mark and the name in pages that show them before a script has run. */
function brand(): Plugin {
  const path = fileURLToPath(new URL('src/brand.html', import.meta.url));
  return {
    name: 'brand',
    transformIndexHtml: (html) => html.replace('{brand}', readFileSync(path, 'utf8')),
  };
}

interface Modules {
  getModuleInfo(id: string): { importedIds: readonly string[] } | null;
}

const entryOf = (page: string) => fileURLToPath(new URL(`src/${page}`, import.meta.url));

/** The modules that an entry cannot begin without. */
const reached = new Map<string, Set<string>>();
function reachedFrom(entry: string, modules: Modules): Set<string> {
  let found = reached.get(entry);
  if (!found) {
    found = new Set();
    const open = [entry];
    for (let id = open.pop(); id; id = open.pop()) {
      if (found.has(id)) continue;
      found.add(id);
      open.push(...(modules.getModuleInfo(id)?.importedIds ?? []));
    }
    reached.set(entry, found);
  }
  return found;
}

/**
 * What the dashboard begins with is one file besides what it shares with GraphiQL: each file costs a
 * request and a kilobyte of headers.
 */
function firstFile(id: string, modules: Modules): string | null {
  const [dashboard, graphiql] = [entryOf('dashboard/main.tsx'), entryOf('graphiql/main.tsx')];
  const isFirst = id !== dashboard && reachedFrom(dashboard, modules).has(id);
  return isFirst && !reachedFrom(graphiql, modules).has(id) ? 'dashboard' : null;
}

const server = process.env.AGENT_JOBS_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  // Asset addresses relative to the page, so that the same build works under any path prefix.
  base: './',
  build: {
    // Monaco is one library: splitting it further would only delay the editor.
    chunkSizeWarningLimit: 4096,
    // Fonts as files: the dashboard's policy has no data: addresses.
    assetsInlineLimit: (file) => (file.includes('geist') ? false : undefined),
    rolldownOptions: {
      input: ['index.html', 'graphiql.html'],
      // React libraries mark their modules "use client", which says nothing to a browser.
      checks: { moduleLevelDirective: false },
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [{ debugName: 'first', name: firstFile }],
        },
      },
    },
  },
  server: {
    proxy: { '/graphql': { target: server, ws: true }, '/graphiql': server },
  },
  // The GraphQL worker loads its formatter on demand, which needs module workers.
  worker: { format: 'es' },
  plugins: [
    brand(),
    precompress(),
    likeTheServer(),
    {
      // The server embeds this folder at compile time, so it must exist in a fresh clone too.
      name: 'keep-dist',
      apply: 'build',
      generateBundle() {
        this.emitFile({ type: 'asset', fileName: '.gitkeep', source: '' });
      },
    },
  ],
});
