// The project's documents, with the blocks of code in them.
import { readdirSync, readFileSync } from 'node:fs';

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
}

const inDocs = readdirSync(new URL('docs/', root)).filter((name) => name.endsWith('.md'));

export const documents = ['README.md', ...inDocs.map((name) => `docs/${name}`)].map(
  (name) => new Document(name),
);
