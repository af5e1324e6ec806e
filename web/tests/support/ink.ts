// What marks draw, whatever their colours are.
import type { Page } from 'playwright-core';

/** A mark on a page: its size, and which of its pixels it draws. */
export interface Ink {
  width: number;
  height: number;
  /** Row by row; 1 where the mark draws. */
  drawn: number[];
  /** The colour that most of it has. */
  colour: string;
}

/**
 * The pixels that each of the marks in view draws: those that change when the marks are hidden. That
 * depends on no colour, and a mark that cannot be seen draws none.
 */
export async function inkOf(page: Page, selector: string, hidden = selector): Promise<Ink[]> {
  const take = async () =>
    (await page.screenshot({ animations: 'disabled', caret: 'hide' })).toString('base64');
  const boxes = await page.locator(selector).evaluateAll((all) =>
    all
      .map((element) => element.getBoundingClientRect())
      .filter(
        ({ left, top, right, bottom, width, height }) =>
          width > 0 &&
          height > 0 &&
          left >= 0 &&
          top >= 0 &&
          right <= innerWidth &&
          bottom <= innerHeight,
      )
      .map(({ left, top, right, bottom }) => ({
        x: Math.floor(left),
        y: Math.floor(top),
        width: Math.ceil(right) - Math.floor(left),
        height: Math.ceil(bottom) - Math.floor(top),
      })),
  );
  const shown = await take();
  const style = await page.addStyleTag({
    content: `:is(${hidden}) { visibility: hidden !important; transition: none !important; }`,
  });
  const without = await take();
  await style.evaluate((element) => element.parentNode?.removeChild(element));
  return page.evaluate(
    async ([first, second, places]) => {
      const pixelsOf = async (data: string) => {
        const image = new Image();
        image.src = `data:image/png;base64,${data}`;
        await image.decode();
        const canvas = new OffscreenCanvas(image.width, image.height);
        const context = canvas.getContext('2d');
        if (!context) throw new Error('no canvas');
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, image.width, image.height);
      };
      const [a, b] = [await pixelsOf(first), await pixelsOf(second)];
      return places.map(({ x, y, width, height }) => {
        const drawn: number[] = [];
        const colours = new Map<string, number>();
        for (let row = y; row < y + height; row += 1) {
          for (let column = x; column < x + width; column += 1) {
            const at = (row * a.width + column) * 4;
            let distance = 0;
            for (let channel = 0; channel < 3; channel += 1) {
              distance += Math.abs(a.data[at + channel] - b.data[at + channel]);
            }
            // Less is hardly seen.
            const isDrawn = distance > 60;
            drawn.push(isDrawn ? 1 : 0);
            if (!isDrawn) continue;
            const colour = a.data.slice(at, at + 3).join();
            colours.set(colour, (colours.get(colour) ?? 0) + 1);
          }
        }
        const [most = ['', 0]] = [...colours].sort((one, other) => other[1] - one[1]);
        return { width, height, drawn, colour: most[0] };
      });
    },
    [shown, without, boxes] as const,
  );
}

/** How many pixels both draw, each draws, and either draws. */
function compare(a: Ink, b: Ink) {
  const sums = { both: 0, first: 0, either: 0 };
  for (let y = 0; y < Math.max(a.height, b.height); y += 1) {
    for (let x = 0; x < Math.max(a.width, b.width); x += 1) {
      const of = (ink: Ink) =>
        x < ink.width && y < ink.height && ink.drawn[y * ink.width + x] === 1;
      const [first, second] = [of(a), of(b)];
      if (first && second) sums.both += 1;
      if (first) sums.first += 1;
      if (first || second) sums.either += 1;
    }
  }
  return sums;
}

/** How much of what either draws both draw, from 0 to 1: whether the shapes are the same. */
export function overlapOf(a: Ink, b: Ink): number {
  const { both, either } = compare(a, b);
  return either === 0 ? 0 : both / either;
}

/** How much of what the first draws the second draws, too, from 0 to 1: whether nothing is lost. */
export function keptOf(a: Ink, b: Ink): number {
  const { both, first } = compare(a, b);
  return first === 0 ? 0 : both / first;
}
