import { strict as assert } from "node:assert";
import { scratchFolder } from "../../../tests/harness/mod.ts";
import { type Digest, digestOf } from "../../oci/mod.ts";
import { blameVolumes, checkVolumes, readVolumeList } from "../mod.ts";
import { openVolumes } from "./volume_set.ts";
import { formatSums, sumsPath, volumePath } from "./volumes.ts";

const PARTS = ["aaaa", "bbbb", "c"].map((text) => new TextEncoder().encode(text));
const WHOLE = digestOf(new TextEncoder().encode("aaaabbbbc"));
const SUMS = PARTS.map((part, at) => ({ name: `x.tar.00${at + 1}`, digest: digestOf(part) }));

/** Three volumes, and this as their list. */
async function withList(list: string, work: (archive: string) => unknown): Promise<void> {
  await using scratch = await scratchFolder();
  const archive = scratch.at("x.tar");
  for (const [at, part] of PARTS.entries()) Deno.writeFileSync(volumePath(archive, at + 1), part);
  Deno.writeTextFileSync(sumsPath(archive), list);
  await work(archive);
}

/** What checking three volumes with such a list finds. */
async function checked(list: string) {
  let found: Awaited<ReturnType<typeof checkVolumes>> | undefined;
  await withList(list, async (archive) => found = await checkVolumes(archive, readVolumeList(archive)!));
  return found!;
}

const lines = (sums: typeof SUMS, whole: Digest = WHOLE) => formatSums("x.tar", sums, whole);

Deno.test("a list of checksums that cannot be one of all volumes is refused", async () => {
  const [first, second, third] = SUMS;
  const whole = lines(SUMS);
  const lists = {
    empty: "",
    "without its last line": whole.slice(0, whole.lastIndexOf("\n", whole.length - 2) + 1),
    "without its first volume": lines([second, third]),
    "without one in the middle": lines([first, third]),
    "with one volume twice": lines([first, second, second, third]),
    "of another archive": formatSums("x.tar", SUMS, WHOLE).replaceAll("x.tar.", "y.tar."),
    "with another way to write a number": whole.replace("x.tar.002", "x.tar.0002"),
    "with no digest of the whole": whole.replace(WHOLE, "sha256:0"),
  };
  for (const [what, list] of Object.entries(lists)) {
    await withList(list, (archive) => {
      const expected = {
        code: "invalid",
        message: /x\.tar-sha256sums is not a whole list of the checksums of volumes: /,
      };
      assert.throws(() => readVolumeList(archive), expected, what);
      assert.throws(() => openVolumes(volumePath(archive, 1)), expected, what);
    });
  }
});

Deno.test("the volumes that are not what the list says are named, and only those", async () => {
  await withList(lines(SUMS), async (archive) => {
    assert.equal(await blameVolumes(archive), undefined);
    Deno.writeFileSync(volumePath(archive, 2), new Uint8Array(4));
    assert.equal((await blameVolumes(archive))?.message, "not what x.tar-sha256sums says: x.tar.002");
  });
});

Deno.test("a list in another order is the same list", async () => {
  const { volumes, whole, listedWhole } = await checked(lines(SUMS.toReversed()));
  assert.deepEqual(volumes.map(({ name }) => name), SUMS.map(({ name }) => name));
  assert.deepEqual([whole?.digest, listedWhole], [WHOLE, undefined]);
});

Deno.test("what the list says of all volumes together is compared", async () => {
  const other = digestOf(new Uint8Array(1));
  assert.equal((await checked(lines(SUMS, other))).listedWhole, other);
});

Deno.test("a list by sha256sum, which says nothing of all together, is fine", async () => {
  const { whole, volumes } = await checked(lines(SUMS).split("\n").slice(1).join("\n"));
  assert.deepEqual([whole?.digest, volumes.length], [WHOLE, 3]);
});

Deno.test("a volume that lies there and is not in the list is told, and not read as a part of the archive", async () => {
  const two = lines(SUMS.slice(0, 2), digestOf(new TextEncoder().encode("aaaabbbb")));
  const { volumes, whole } = await checked(two);
  assert.deepEqual(volumes.at(-1), { name: "x.tar.003", state: "unlisted" });
  assert.equal(whole, undefined);
  await withList(two, (archive) => {
    const message = `${archive}-sha256sums does not list x.tar.003, which lies beside it`;
    assert.throws(() => openVolumes(archive), { code: "invalid", message });
  });
});
