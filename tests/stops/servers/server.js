// A server of node's, as applications write it: `server.js http|express plain|tidy`.
//
// GET /slow is answered when the file `go` is there. It has ten connections to $DATABASE, which it closes when
// the server says that it is closed. That is all that "plain" does on SIGTERM; "tidy" also closes what is idle
// and what becomes so, as it has to, but for connections on which no request has begun.
const fs = require("fs");
const net = require("net");
const [kind, manner] = process.argv.slice(2);

const answer = (request, response) => {
  if (request.url !== "/slow") return response.end("hello\n");
  console.log("slow");
  const timer = setInterval(() => {
    if (!fs.existsSync("go")) return;
    clearInterval(timer);
    response.end("hello\n");
  }, 10);
};

const [host, port] = process.env.DATABASE.split(":");
const database = Array.from({ length: 10 }, () => net.connect(port, host));
const application = kind === "express" ? require("express")().use(answer) : answer;
const server = require("http").createServer(application);
server.keepAliveTimeout = 60000;

process.on("SIGTERM", () => {
  console.log("closing");
  server.close(() => {
    console.log("closed");
    for (const socket of database) socket.destroy();
    setImmediate(() => process.exit(0));
  });
  if (manner === "tidy") setInterval(() => server.closeIdleConnections(), 10);
});

Promise.all(database.map((socket) => require("events").once(socket, "connect"))).then(() =>
  server.listen(process.env.PORT, "127.0.0.1", () => console.log("ready")),
);
