import { defineConfig } from 'vite';

export default defineConfig({
  // Asset addresses relative to the page, so that the same build works under any path prefix.
  base: './',
  build: {
    // Monaco is one library: splitting it further would only delay the editor.
    chunkSizeWarningLimit: 4096,
    rolldownOptions: {
      input: ['graphiql.html'],
      // React libraries mark their modules "use client", which says nothing to a browser.
      checks: { moduleLevelDirective: false },
    },
  },
  // The GraphQL worker loads its formatter on demand, which needs module workers.
  worker: { format: 'es' },
  plugins: [
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
