// The project's documents, with the blocks of code in them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);

class Document {
  constructor(name) {
    this.name = name;
    this.lines = readFileSync(new URL(name, root), 'utf8').split('\n');
  }

  /** The blocks in a language, each with the number of the line before its first one. */
  blocks(language) {
    const blocks = [];
    let block;
    this.lines.forEach((line, index) => {
      if (block === undefined && line.startsWith('```')) {
        block = { language: line.slice(3), line: index + 1, lines: [] };
      } else if (line === '```') {
        blocks.push({ ...block, text: block.lines.join('\n') });
        block = undefined;
      } else {
        block?.lines.push(line);
      }
    });
    if (block) throw new Error(`${this.name}:${block.line}: the block has no end`);
    return blocks.filter((each) => each.language === language);
  }

  /** The anchors of its headings, as forges make them. */
  get anchors() {
    const headings = this.lines.filter((line) => /^#+ /.test(line));
    return headings.map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
  }

  /** Links to files and headings that are not there. */
  brokenLinks() {
    const here = new URL(this.name, root);
    const text = this.lines.join('\n');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)];
    return targets
      .map(([, link, image]) => link ?? image)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const url = new URL(target, here);
        const anchor = url.hash.slice(1);
        url.hash = '';
        if (!existsSync(url)) return true;
        const name = url.href.slice(root.href.length);
        return anchor !== '' && !new Document(name).anchors.includes(anchor);
      });
  }
}

const inDocs = readdirSync(new URL('docs/', root)).filter((name) => name.endsWith('.md'));

const names = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'web/README.md'];

export const documents = [...names, ...inDocs.map((name) => `docs/${name}`)].map(
  (name) => new Document(name),
);
