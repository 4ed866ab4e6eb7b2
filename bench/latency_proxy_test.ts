import assert from "node:assert/strict";
import { startLatencyProxy } from "./servers.ts";

const ROUND_TRIP = 60;

/** A server that sends back what it gets, and milliseconds of two exchanges over one new connection through the proxy. */
async function exchange(instantConnect: boolean): Promise<{ first: number; second: number; answers: string[] }> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = listener.accept().then(sendBack);
  await using proxy = await startLatencyProxy(`127.0.0.1:${listener.addr.port}`, ROUND_TRIP, instantConnect);
  const [hostname, port] = proxy.host.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const buffer = new Uint8Array(16);
  const times: number[] = [];
  const answers: string[] = [];
  for (const text of ["one", "two"]) {
    const started = performance.now();
    await connection.write(new TextEncoder().encode(text));
    answers.push(new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0)));
    times.push(performance.now() - started);
  }
  await connection.closeWrite();
  assert.equal(await connection.read(buffer), null);
  await serving;
  return { first: times[0], second: times[1], answers };
}

async function sendBack(connection: Deno.Conn): Promise<void> {
  using _ = connection;
  const buffer = new Uint8Array(16);
  for (let count; (count = await connection.read(buffer)) !== null;) await connection.write(buffer.subarray(0, count));
}

Deno.test("an exchange through the slow link takes a round trip, the first one also that of connecting", async () => {
  const { first, second, answers } = await exchange(false);
  assert.deepEqual(answers, ["one", "two"]);
  assert.ok(first >= 2 * ROUND_TRIP - 2, `${first}`);
  assert.ok(second >= ROUND_TRIP - 2, `${second}`);
});

Deno.test("connecting to the slow link can be made free", async () => {
  const { first, second } = await exchange(true);
  assert.ok(first >= ROUND_TRIP - 2, `${first}`);
  assert.ok(second >= ROUND_TRIP - 2, `${second}`);
});
