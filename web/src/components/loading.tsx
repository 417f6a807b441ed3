import { useNow } from '../use-now.ts';
import { Bone } from './bone.tsx';
import { Glyph } from './glyph.tsx';

const figures = ['Within SLO', 'Latency p95', 'Failed', 'Queue', 'Containers', 'Cost now'];
const lanes = [96, 87, 78, 69, 96, 87, 78, 69];
const events = [90, 70, 84, 62, 88, 74, 80];

/** The page before its first figures, in the geometry that it will have. After a second it says what it waits for. */
export function Loading({ since }: { since: number }) {
  const waited = (useNow(200) - since) / 1000;
  return (
    <>
      <section className="verdict plain" aria-busy="true" aria-label="Loading">
        <Glyph id="v-plain" />
        <h1>
          <span className="skel">Reading the last ten minutes of the fleet</span>
        </h1>
        <p>
          {waited < 1 ? 'Loading.' : `Still loading: the gateway has taken ${waited.toFixed(1)} s for the overview, usually under 0.1 s.`}
        </p>
      </section>
      <section className="sheet" aria-hidden="true">
        <dl className="figs">
          {figures.map((label) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd className="v">
                <Bone width={56} height={22} />
              </dd>
              <dd className="d">
                <Bone width={80} />
              </dd>
              <dd className="sp">
                <Bone width={100} height={20} />
              </dd>
            </div>
          ))}
        </dl>
      </section>
      <div className="cols c-2-1" aria-hidden="true">
        <section className="sheet">
          <header>
            <h2>Containers on their slots</h2>
          </header>
          <div className="in lanes">
            {lanes.map((width, index) => (
              <div className="lane" key={`${index}-${width}`}>
                <Bone width={60} />
                <Bone width={width} height={14} />
                <Bone width={70} />
              </div>
            ))}
          </div>
        </section>
        <section className="sheet">
          <header>
            <h2>Live events</h2>
          </header>
          <div className="in lanes">
            {events.map((width) => (
              <div className="lane" key={width} style={{ gridTemplateColumns: '1fr' }}>
                <Bone width={width} />
              </div>
            ))}
          </div>
        </section>
      </div>
    </>
  );
}
