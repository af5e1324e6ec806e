import { AxisBottom, AxisLeft } from '@visx/axis';
import { scaleLinear, scaleLog } from '@visx/scale';
import { BarStack, LinePath } from '@visx/shape';
import {
  type KeyboardEvent,
  type PointerEvent,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { clock, dayOf, offset, zoneOf } from '../format/time';
import { t } from '../i18n';
import { ticks } from '../job/lanes';
import { useSettings } from '../settings/settings';
import { timeOf } from './moments';
import { type Outcome, outcomes, type Point } from './points';
import { DAY } from './span';

const HEIGHT = 168;
const margin = { top: 8, right: 4, bottom: 22, left: 46 };

export interface Series {
  key: string;
  label: string;
  value(point: Point): number | null;
}

interface Props {
  title: string;
  points: readonly Point[];
  /** Bars that are stacked; or lines on a logarithmic axis, since a few values are far above the others. */
  kind: 'bars' | 'lines';
  series: readonly Series[];
  ticksFor(most: number, least: number): number[];
  format(value: number): string;
  /** Shows the jobs of a bucket, or those of one outcome. */
  open(point: Point, outcome?: Outcome): void;
}

/**
 * A chart over time. It is a slider for the keyboard and for screen readers: arrow keys move through the
 * buckets, whose values are read out, and Enter opens the jobs of one.
 */
export function Chart(props: Props) {
  const { title, points, kind, series, ticksFor, format, open } = props;
  const settings = useSettings();
  const titleId = useId();
  const [box, width] = useWidth();
  const [active, setActive] = useState<number>();
  const shown = active === undefined ? undefined : points[active];
  const first = points[0]?.from ?? 0;
  const last = points.at(-1)?.to ?? 1;
  const size = (points[0]?.to ?? 1) - first;
  // Days and weeks are those of UTC.
  const zoned = size < DAY ? settings : { ...settings, zone: 'UTC' };

  const sums = points.map((point) => series.map(({ value }) => value(point) ?? 0));
  const most = Math.max(
    ...sums.map((values) =>
      kind === 'bars' ? values.reduce((a, b) => a + b, 0) : Math.max(...values),
    ),
    0,
  );
  const known = points.flatMap((point) => series.flatMap(({ value }) => value(point) || []));
  const marks = ticksFor(most, known.length > 0 ? Math.min(...known) : 0);
  const [lowest = 0] = marks;
  const inner = Math.max(width - margin.left - margin.right, 1);
  const bottom = HEIGHT - margin.top - margin.bottom;
  const x = scaleLinear({ domain: [first, last], range: [0, inner] });
  const domain = [lowest, marks.at(-1) ?? 1];
  const y =
    kind === 'bars'
      ? scaleLinear({ domain, range: [bottom, 0] })
      : scaleLog({ domain, range: [bottom, 0], clamp: true });
  const placed = (n: number) => y(Math.max(n, lowest));
  const moments = ticks(first, last, Math.max(inner / 76, 2), offset(zoneOf(zoned), first));
  const label = (at: number) => (moments.step < DAY ? clock(at, zoned, false) : dayOf(at, zoned));

  const values = (point: Point) =>
    series.map((each) => {
      const value = each.value(point);
      return { ...each, text: value === null ? t.overview.nothing : format(value) };
    });
  const said = (point: Point) =>
    t.overview.said(
      timeOf(point, settings),
      values(point).map(({ label: name, text }) => t.filters.labelled(name, text)),
    );

  const indexAt = (event: PointerEvent) => {
    const left = event.currentTarget.getBoundingClientRect().left + margin.left;
    const index = Math.floor((x.invert(event.clientX - left) - first) / size);
    return Math.min(Math.max(index, 0), points.length - 1);
  };
  /** The outcome whose part of the bar is at the pointer. */
  const outcomeAt = (event: PointerEvent, point: Point): Outcome | undefined => {
    if (kind !== 'bars' || series.length === 1) return undefined;
    const top = event.currentTarget.getBoundingClientRect().top + margin.top;
    const n = y.invert(event.clientY - top);
    let sum = 0;
    return outcomes.find((outcome) => {
      sum += point[outcome];
      return n <= sum && point[outcome] > 0;
    });
  };
  const wasActive = useRef<number>(undefined);
  const press = (event: KeyboardEvent) => {
    const end = points.length - 1;
    const at = active ?? end;
    const moves: Record<string, number> = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      PageUp: at - 12,
      PageDown: at + 12,
      Home: 0,
      End: end,
    };
    const next = moves[event.key];
    if (next !== undefined) setActive(Math.min(Math.max(next, 0), end));
    else if (event.key === 'Enter' && shown) open(shown);
    else if (event.key === 'Escape') setActive(undefined);
    else return;
    event.preventDefault();
  };
  const present = shown ?? points.at(-1);
  const middle = shown && x((shown.from + shown.to) / 2) + margin.left;
  const dots = points.length <= 60;
  return (
    <figure className="card chart" aria-labelledby={titleId}>
      <figcaption>
        <h3 id={titleId}>{title}</h3>
        {series.length > 1 && (
          <ul className="legend">
            {series.map(({ key, label: name }) => (
              <li key={key}>
                <span className={`swatch chart-${key}`} aria-hidden="true" />
                {name}
              </li>
            ))}
          </ul>
        )}
      </figcaption>
      <div
        ref={box}
        className="chart-plot"
        role="slider"
        tabIndex={0}
        aria-labelledby={titleId}
        aria-description={t.overview.keys}
        aria-valuemin={0}
        aria-valuemax={points.length - 1}
        aria-valuenow={active ?? points.length - 1}
        aria-valuetext={present && said(present)}
        onKeyDown={press}
        onFocus={() => setActive((before) => before ?? points.length - 1)}
        onBlur={() => setActive(undefined)}
        onPointerDown={() => {
          wasActive.current = active;
        }}
        onPointerMove={(event) => setActive(indexAt(event))}
        onPointerLeave={(event) => {
          if (event.pointerType === 'mouse') setActive(undefined);
        }}
        onClick={(event) => {
          const pointer = event as unknown as PointerEvent;
          const index = indexAt(pointer);
          const point = points[index];
          // With a finger the first touch shows the values, and the second one opens them.
          const isMouse = (event.nativeEvent as globalThis.PointerEvent).pointerType === 'mouse';
          const isSeen = isMouse || wasActive.current === index;
          if (point && isSeen) open(point, outcomeAt(pointer, point));
          else setActive(index);
        }}
      >
        <svg width={width} height={HEIGHT} aria-hidden="true">
          <g transform={`translate(${margin.left},${margin.top})`}>
            {marks.map((mark) => (
              <line key={mark} className="chart-grid" x2={inner} y1={y(mark)} y2={y(mark)} />
            ))}
            {shown && (
              <rect
                className="chart-cursor"
                x={x(shown.from)}
                width={Math.max(x(shown.to) - x(shown.from), 1)}
                height={bottom}
              />
            )}
            {kind === 'bars' ? (
              <BarStack
                data={[...points]}
                keys={series.map(({ key }) => key)}
                value={(point, key) => series.find((each) => each.key === key)?.value(point) ?? 0}
                x={(point) => point.from}
                xScale={Object.assign(x.copy(), {
                  bandwidth: () => (inner * size) / (last - first),
                })}
                yScale={y}
                color={() => ''}
              >
                {(stacks) =>
                  stacks.flatMap((stack) =>
                    stack.bars.map((bar) => {
                      const gap = Math.min(bar.width * 0.2, 2);
                      return bar.height > 0 ? (
                        <rect
                          key={`${stack.key}${bar.index}`}
                          className={`chart-${stack.key}`}
                          x={bar.x + gap / 2}
                          y={bar.y}
                          width={Math.max(bar.width - gap, 0.5)}
                          height={bar.height}
                        />
                      ) : null;
                    }),
                  )
                }
              </BarStack>
            ) : (
              series.map(({ key, value }) => (
                <g key={key}>
                  <LinePath
                    className={`chart-line chart-${key}`}
                    data={[...points]}
                    x={(point) => x((point.from + point.to) / 2)}
                    y={(point) => placed(value(point) ?? 0)}
                    defined={(point) => value(point) !== null}
                  />
                  {points.map((point, index) => {
                    const n = value(point);
                    const near = [points[index - 1], points[index + 1]];
                    const isAlone = near.every((each) => !each || value(each) === null);
                    return n !== null && (dots || isAlone || index === active) ? (
                      <circle
                        key={point.from}
                        className={`chart-dot chart-${key}`}
                        cx={x((point.from + point.to) / 2)}
                        cy={placed(n)}
                        r={index === active ? 3.5 : 2}
                      />
                    ) : null;
                  })}
                </g>
              ))
            )}
            <AxisLeft
              scale={y}
              tickValues={marks}
              tickFormat={(value) => format(Number(value))}
              hideAxisLine
              hideTicks
              tickLength={4}
              tickClassName="chart-tick"
              tickLabelProps={{ dx: '-0.125em', dy: '0.3em', textAnchor: 'end' }}
            />
            <AxisBottom
              scale={x}
              top={bottom}
              tickValues={moments.at.filter((at) => x(at) > 12 && x(at) < inner - 12)}
              tickFormat={(at) => label(Number(at))}
              tickLength={4}
              axisLineClassName="chart-axis"
              tickClassName="chart-tick"
              tickLabelProps={{ textAnchor: 'middle' }}
            />
          </g>
        </svg>
        {shown && middle !== undefined && (
          <div
            className="chart-values"
            aria-hidden="true"
            style={middle > width / 2 ? { right: width - middle + 10 } : { left: middle + 10 }}
          >
            <b>{timeOf(shown, settings)}</b>
            {values(shown).map(({ key, label: name, text }) => (
              <span key={key} className="chart-value">
                {series.length > 1 && <span className={`swatch chart-${key}`} />}
                <span>{name}</span>
                <b>{text}</b>
              </span>
            ))}
          </div>
        )}
      </div>
    </figure>
  );
}

/** An element and its width. */
function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(480);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => setWidth(element.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width] as const;
}
