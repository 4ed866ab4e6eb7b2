import { strict as assert } from "node:assert";
import { join } from "node:path";
import { hasCode } from "../error.ts";
import { fileSender } from "./serve_file.ts";

async function withFile(test: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "file");
    await Deno.writeTextFile(path, "hello world");
    await test(path, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a part of a file is sent", async () => {
  await withFile(async (path) => {
    assert.equal(await new Response(fileSender()(path, 6, 3)).text(), "wor");
    assert.equal(await new Response(fileSender()(path, 0, 11)).text(), "hello world");
    assert.equal(await new Response(fileSender()(path, 0, 0)).text(), "");
  });
});

Deno.test("a file that is gone is told as not found", async () => {
  await withFile(async (path) => {
    await Deno.remove(path);
    const owner = Deno.uid()!;
    for (const send of [fileSender(), fileSender(() => owner)]) {
      assert.throws(() => send(path, 0, 5), (error) => hasCode(error, "not-found"));
    }
  });
});

Deno.test("a link, a folder and what belongs to another user are not sent", async () => {
  await withFile(async (path, folder) => {
    const link = join(folder, "link");
    await Deno.symlink(path, link);
    const owner = Deno.uid()!;
    assert.equal(await new Response(fileSender(() => owner)(path, 0, 5)).text(), "hello");
    assert.throws(() => fileSender(() => owner)(link, 0, 5));
    assert.throws(() => fileSender(() => owner)(folder, 0, 5), (error) => hasCode(error, "refused"));
    assert.throws(() => fileSender(() => owner + 1)(path, 0, 5), (error) => hasCode(error, "refused"));
  });
});

Deno.test("a file that becomes shorter while it is sent ends the answer, and is closed", async () => {
  await withFile(async (path) => {
    const length = 600 * 1024;
    await Deno.truncate(path, length);
    const owner = Deno.uid()!;
    const reader = new Response(fileSender(() => owner)(path, 0, length)).body!.getReader();
    await reader.read();
    assert.equal(openedAt(path), 1);
    await Deno.truncate(path, 100 * 1024);
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    }, (error) => hasCode(error, "integrity"));
    assert.equal(openedAt(path), 0);
  });
});

/** How many times this process has a file open. */
function openedAt(path: string): number {
  const own = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      return ""; // closed meanwhile
    }
  });
  return own.filter((each) => each === path).length;
}
