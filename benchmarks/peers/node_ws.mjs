// Node's `ws`, as its documentation broadcasts: one Buffer, sent to every client. Usage: node node_ws.mjs PACKAGE_JSON
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { WebSocketServer, WebSocket } = createRequire(process.argv[2])('ws');
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4096 });

server.on('listening', () => console.log(server.address().port));
server.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.send('{}');
});

function emit(frame) {
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(frame, { binary: false });
  }
}

function obey(line) {
  const [, rate, seconds, text] = /^EMIT (\S+) (\S+) (.*)$/.exec(line);
  const frame = Buffer.from(text);
  const began = performance.now();
  const end = began + seconds * 1000;
  let due = began;
  let sent = 0;
  const turn = () => {
    if (due >= end || performance.now() >= end) return console.log(`DONE ${sent}`);
    emit(frame);
    sent += 1;
    due += 1000 / rate;
    const pause = due - performance.now();
    return pause > 1 ? setTimeout(turn, pause) : setImmediate(turn);
  };
  turn();
}

createInterface({ input: process.stdin }).on('line', obey).on('close', () => process.exit(0));
