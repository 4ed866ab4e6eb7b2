import type { Served } from "../harness/mod.ts";

/** A connection of which a test sends every byte itself. */
export interface RawConnection extends Disposable {
  send(text: string): Promise<void>;
  /** Some bytes as text; `undefined` at the end, also if the server has cut the connection. */
  receive(atMost?: number): Promise<string | undefined>;
  /** All up to the end, or to where `enough` is content. */
  receiveUntil(enough: (text: string) => boolean): Promise<string>;
}

/** Connects to a server. */
export async function connectRaw({ host }: Pick<Served, "host">): Promise<RawConnection> {
  const { hostname, port } = new URL(`http://${host}`);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const receive = async (atMost = 65536) => {
    const memory = new Uint8Array(atMost);
    try {
      const length = await connection.read(memory);
      return length === null ? undefined : new TextDecoder("latin1").decode(memory.subarray(0, length));
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) return undefined;
      throw error;
    }
  };
  return {
    receive,
    async send(text) {
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    },
    async receiveUntil(enough) {
      let text = "";
      for (;;) {
        const more = await receive();
        if (more === undefined) return text;
        text += more;
        if (enough(text)) return text;
      }
    },
    [Symbol.dispose]: () => connection.close(),
  };
}
