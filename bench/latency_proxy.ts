/**
 * A TCP proxy on loopback that behaves like a link with a long round trip and endless bandwidth.
 *
 *     deno run -A bench/latency_proxy.ts 127.0.0.1:5000 50
 *
 * It prints the address it listens on, one line, and runs until it is ended. Half of the round trip is added each way.
 * The kernel has accepted a connection before this program hears of it, so the round trip that connecting costs is made
 * up for afterwards: what the client sends first is held back for it, unless `--instant-connect` is given.
 *
 * @module
 */

/** A chunk, and when it is due at the other side (milliseconds of `performance.now()`). */
interface Delayed {
  chunk: Uint8Array;
  due: number;
}

/** How much of one direction may be on the way, in bytes; a reader that is too slow stops the writer. */
const MAX_ON_THE_WAY = 64 * 1024 * 1024;

/** Passes bytes on, each `delay` ms after it was read but not before `earliest + delay`, until the reading side ends. */
async function forward(from: Deno.Conn, to: Deno.Conn, delay: number, earliest: number): Promise<void> {
  const queue: Delayed[] = [];
  let onTheWay = 0;
  let isOver = false;
  let wake = () => {};
  const changed = () => new Promise<void>((resolve) => wake = resolve);

  const read = async () => {
    try {
      for (;;) {
        const buffer = new Uint8Array(256 * 1024);
        const count = await from.read(buffer);
        if (count === null) return;
        queue.push({ chunk: buffer.subarray(0, count), due: Math.max(performance.now(), earliest) + delay });
        onTheWay += count;
        wake();
        while (onTheWay > MAX_ON_THE_WAY && !isOver) await changed();
      }
    } finally {
      isOver = true;
      wake();
    }
  };

  const write = async () => {
    try {
      for (;;) {
        const next = queue.shift();
        if (!next) {
          if (isOver) return;
          await changed();
          continue;
        }
        await until(next.due);
        for (let sent = 0; sent < next.chunk.length;) sent += await to.write(next.chunk.subarray(sent));
        onTheWay -= next.chunk.length;
        wake();
      }
    } finally {
      isOver = true;
      wake();
    }
  };

  const reading = read();
  try {
    await write();
    await reading;
    await to.closeWrite();
  } catch {
    // One side is gone: the other hears of it by the end of its own connection.
    closeQuietly(from);
    closeQuietly(to);
    await reading.catch(() => {});
  }
}

/** Waits until `due`; timers are exact to a millisecond. */
async function until(due: number): Promise<void> {
  const left = due - performance.now();
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed already.
  }
}

/** How the link behaves, in milliseconds. */
interface Link {
  roundTrip: number;
  /** From when the client is accepted until it can have sent something. */
  connecting: number;
}

async function serve(
  client: Deno.TcpConn,
  upstream: Deno.ConnectOptions,
  { roundTrip, connecting }: Link,
): Promise<void> {
  const established = performance.now() + connecting;
  client.setNoDelay();
  try {
    const server = await Deno.connect(upstream);
    server.setNoDelay();
    await Promise.all([
      forward(client, server, roundTrip / 2, established),
      forward(server, client, roundTrip / 2, established),
    ]);
    closeQuietly(server);
  } catch {
    // The upstream refused: so does the proxy.
  } finally {
    closeQuietly(client);
  }
}

if (import.meta.main) {
  const [address, milliseconds, option] = Deno.args;
  const [hostname, port] = (address ?? "").split(":");
  const roundTrip = Number(milliseconds);
  if (!hostname || !Number(port) || !(roundTrip >= 0)) {
    console.error("Usage: latency_proxy.ts HOST:PORT ROUND_TRIP_MS [--instant-connect]");
    Deno.exit(2);
  }
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  console.log(`127.0.0.1:${listener.addr.port}`);
  const link = { roundTrip, connecting: option === "--instant-connect" ? 0 : roundTrip };
  for await (const client of listener) void serve(client, { hostname, port: Number(port) }, link);
}
