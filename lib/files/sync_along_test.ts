import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { systemCode } from "../error.ts";
import { syncAlong } from "./sync_along.ts";

Deno.test("what the disk refuses on the way is not forgotten at the end", async () => {
  // A device that cannot be synced stands for a disk that fails.
  const fd = openSync("/dev/null", "w");
  try {
    const disk = syncAlong(fd);
    disk.wrote(31 * 1024 * 1024);
    await disk.settle();
    assert.equal(disk.failure, undefined);
    disk.wrote(1024 * 1024);
    await disk.settle();
    const { failure } = disk;
    assert.equal(systemCode(failure), "EINVAL");
    await assert.rejects(disk.finish(), (error) => error === failure);
  } finally {
    closeSync(fd);
  }
});
