// The Node peer: Node's own cluster module and HTTP server, as its documentation writes them.
// usage: node node-cluster.js PORT WORKERS
'use strict';
const cluster = require('node:cluster');
const http = require('node:http');

const [port, workers] = process.argv.slice(2).map(Number);

if (cluster.isPrimary) {
  for (let i = 0; i < workers; i++) cluster.fork();
} else {
  const server = http.createServer((request, response) => {
    const plain = request.url === '/plaintext';
    const body = plain ? 'Hello, World!' : JSON.stringify({ message: 'Hello, World!' });
    response.writeHead(200, {
      'Content-Type': plain ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(body);
  });
  server.keepAliveTimeout = 120_000; // the idle connections of the memory measurement outlive the default of 5 s
  server.listen(port, '127.0.0.1');
}
