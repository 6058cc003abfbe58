// `node node_client.js PORT`: a conversation of Node's `ws` with apps/conversations/plain.py.
// Prints one line of JSON with what it saw, and ends with 0 when the conversation came to its end.
"use strict";

const WebSocket = require("ws");

const base = `ws://127.0.0.1:${process.argv[2]}`;

function open(path, ...rest) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(base + path, ...rest);
    socket.inbox = [];
    socket.on("message", (data, isBinary) => socket.inbox.push(isBinary ? data : data.toString()));
    socket.on("open", () => resolve(socket));
    socket.on("error", reject);
  });
}

function next(socket) {
  return new Promise((resolve) => {
    if (socket.inbox.length) return resolve(socket.inbox.shift());
    socket.once("message", () => resolve(socket.inbox.shift()));
  });
}

function closed(socket) {
  return new Promise((resolve) =>
    socket.on("close", (code, reason) => resolve([code, reason.toString()])),
  );
}

async function echo(perMessageDeflate) {
  const socket = await open("/echo", ["echo.v1"], { perMessageDeflate });
  const text = "grüße ".repeat(20000);
  const bytes = Buffer.alloc(300000, 7);
  socket.send(text);
  const textBack = (await next(socket)) === text;
  socket.send(bytes);
  const bytesBack = bytes.equals(await next(socket));
  const pong = new Promise((resolve) => socket.once("pong", (data) => resolve(data.toString())));
  socket.ping("are you there?");
  const seen = {
    extensions: socket.extensions,
    protocol: socket.protocol,
    text: textBack,
    bytes: bytesBack,
    pong: await pong,
  };
  const end = closed(socket);
  socket.close(4000, "enough");
  return { ...seen, close: (await end)[0] };
}

async function told() {
  const socket = await open("/echo");
  const end = closed(socket);
  socket.send("close");
  return end;
}

async function refused() {
  try {
    await open("/refuse");
    return "was let in";
  } catch (error) {
    return error.message;
  }
}

async function many() {
  const sockets = await Promise.all(Array.from({ length: 50 }, () => open("/echo")));
  const answers = await Promise.all(
    sockets.map(async (socket, number) => {
      socket.send(String(number));
      return (await next(socket)) === String(number);
    }),
  );
  const ends = sockets.map(closed);
  sockets.forEach((socket) => socket.close());
  await Promise.all(ends);
  return answers.filter(Boolean).length;
}

(async () => {
  const seen = {
    plain: await echo(false),
    deflated: await echo({ threshold: 0 }),
    told: await told(),
    refused: await refused(),
    many: await many(),
  };
  console.log(JSON.stringify(seen));
})();
