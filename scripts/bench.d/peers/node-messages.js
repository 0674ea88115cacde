// The Node peer of the measurement of messages: a child of Node's cluster and process.send, as its documentation writes them.
// usage: node node-messages.js rate|trip COUNT       prints messages a second, or the median and mean round trip in nanoseconds
'use strict';
const cluster = require('node:cluster');

const [what, count] = [process.argv[2], Number(process.argv[3])];
const message = (id) => ({ id, text: 'a small message' });

if (cluster.isPrimary) {
  let received = 0;
  let begin;
  const worker = cluster.fork();
  worker.on('message', (given) => {
    if (given.begin !== undefined) begin = BigInt(given.begin);
    else if (given.result !== undefined) console.log(given.result), worker.kill();
    else if (what === 'trip') worker.send(given);
    else if (++received === count) {
      console.log(Math.round(count / (Number(process.hrtime.bigint() - begin) / 1e9)));
      worker.kill();
    }
  });
} else if (what === 'rate') {
  process.send({ begin: String(process.hrtime.bigint()) });
  let next = 0;
  // process.send queues without bound: now and then the loop gets its turn to write.
  const go = () => {
    for (let some = 0; some < 1000 && next < count; some++) process.send(message(next++));
    if (next < count) setImmediate(go);
  };
  go();
} else {
  const times = [];
  let before = process.hrtime.bigint();
  process.on('message', () => {
    const now = process.hrtime.bigint();
    times.push(Number(now - before));
    before = now;
    if (times.length < count) return process.send(message(1));
    const sorted = times.slice(count / 10).sort((a, b) => a - b);
    const mean = sorted.reduce((a, b) => a + b, 0) / sorted.length;
    process.send({ result: `${sorted[Math.floor(sorted.length / 2)]} ${Math.round(mean)}` });
  });
  process.send(message(0));
}
