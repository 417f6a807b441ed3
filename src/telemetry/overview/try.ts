import { busyWorld, quietWorld, manySlots } from '../../../test/browser/overview-scenes.ts';
for (const w of [quietWorld(), busyWorld(), manySlots(100)]) {
const d = w.document();
console.log(JSON.stringify(d.verdict,null,1), d.slo, {...d.latency,series:0}, d.failed.jobs, {...d.queue, series:0}, d.containers, {...d.cost, series:d.cost.series.slice(-2)}, d.slots.length, d.slots[0], d.segments.length, d.jobs.summary, d.jobs.note, d.deployments, d.events.slice(0,4), JSON.stringify(d).length, d.example);
}
const w=busyWorld(); console.time(); for(let i=0;i<20;i++) w.document(); console.timeEnd();
