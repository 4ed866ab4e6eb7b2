import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy that breaks connections. `await using` ends it. */
export interface TcpProxy extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  host: string;
  /** How many connections it has broken. */
  cuts(): number;
  /** How many bytes have gone the counted way, on all connections. */
  passed(): number;
}

/** Where and how often a {@link TcpProxy} breaks. */
export interface TcpProxyOptions {
  /** Counts the bytes that go up to the server, or those that come down from it. */
  direction: "up" | "down";
  /** A connection is broken when this many bytes have gone that way. */
  after: number;
  /** How many connections are broken; the ones after them are left alone. */
  times: number;
}

/** Starts a proxy to `target` (`host:port`) that breaks some connections in the middle. */
export async function startTcpProxy(target: string, options: TcpProxyOptions): Promise<TcpProxy> {
  let cuts = 0;
  let total = 0;
  const sockets = new Set<Socket>();
  const [hostname, port] = target.split(":");
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let passed = 0;
    const pass = (from: Socket, to: Socket, counts: boolean) => {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
      from.on("end", () => to.end());
      from.on("data", (chunk) => {
        if (counts) {
          passed += chunk.length;
          total += chunk.length;
        }
        if (counts && passed >= options.after && cuts < options.times) {
          cuts++;
          // What was passed before arrives; then the line is dead.
          return to.end(() => from.destroy());
        }
        if (!to.write(chunk)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
      });
    };
    pass(client, upstream, options.direction === "up");
    pass(upstream, client, options.direction === "down");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    passed: () => total,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
